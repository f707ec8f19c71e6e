/** Analyses a module's text without running it: what it exports and imports, or why Node could not load it. */
import { parse, type Program } from 'acorn'
import amaro from 'amaro'
import { type SourcePosition, readUtf8 } from '@troupe/registry'
import { z } from 'zod'
import { declaredType, type PackageType } from './package-type.ts'
import {
  commonJsUse,
  entriesNamed,
  exportsOf,
  idsWritten,
  importsOf,
  isEsModule,
  type NamedEntry,
  requiresOf,
  type SourceImport,
} from './module-syntax.ts'

export type { NamedEntry, SourceImport } from './module-syntax.ts'

export interface ModuleSource {
  /** `undefined` for CommonJS, whose exports are only known when it runs. */
  readonly exports: readonly string[] | undefined
  readonly imports: readonly SourceImport[]
  readonly entries: readonly NamedEntry[]
  /** Ids of entries that the module may create. */
  readonly ids: readonly string[]
  /** Names that are only types: they do not exist at run time. */
  readonly types: ReadonlySet<string>
}

/** Why Node cannot load a module. */
export interface SyntaxFault {
  readonly message: string
  readonly place: SourcePosition
}

type Read = ModuleSource | { readonly fault: SyntaxFault }

/** Reads the module at `file`. */
export async function readModule(file: string): Promise<Read> {
  const { text, fault } = await readUtf8(file)
  if (fault !== undefined) return { fault }
  try {
    const code = /\.[cm]?ts$/.test(file) ? stripTypes(text) : text
    return describe(code, text, file)
  } catch (error) {
    return { fault: faultOf(error, file) }
  }
}

/** Uses Node's own type stripper, which keeps every character at its position. */
function stripTypes(text: string): string {
  return amaro.transformSync(text, { mode: 'strip-only' }).code
}

const typeScriptFault = z.object({ message: z.string(), startLine: z.number(), startColumn: z.number() })
const javaScriptFault = z.object({ message: z.string(), loc: z.object({ line: z.number(), column: z.number() }) })

function faultOf(error: unknown, file: string): SyntaxFault {
  const typeScript = typeScriptFault.safeParse(error)
  if (typeScript.success) {
    const { message, startLine: line, startColumn } = typeScript.data
    return { message, place: { file, line, column: startColumn + 1 } }
  }
  const { message, loc } = javaScriptFault.parse(error)
  return { message: message.replace(/ \(\d+:\d+\)$/, ''), place: { file, line: loc.line, column: loc.column + 1 } }
}

function describe(code: string, text: string, file: string): Read {
  const named = /\.c[jt]s$/.test(file) ? 'commonjs' : /\.m[jt]s$/.test(file) ? 'module' : undefined
  const { type: declared, file: packageFile } = named === undefined ? declaredType(file) : { type: named, file: '' }
  const commonJs = (program: Program) => ({
    exports: undefined,
    imports: requiresOf(program, file),
    entries: [],
    ids: [],
    types: new Set<string>(),
  })
  if (named === 'commonjs') return commonJs(parseAs('commonjs', code))
  const program = parseAs('module', code)
  const isEs = isEsModule(program)
  if (declared === 'commonjs' && isEs) return { fault: esInCommonJs(program, file, packageFile) }
  const use = commonJsUse(program, file)
  if (declared === 'commonjs' || (!isEs && declared === undefined && use !== undefined)) return commonJs(program)
  if (!isEs && use !== undefined) {
    const why =
      named === undefined
        ? `${packageFile} says "type": "module"`
        : `its name ends in "${file.slice(file.lastIndexOf('.'))}"`
    return {
      fault: {
        message: `this is CommonJS, and an ES module has no "exports": ${why}; name it ".cjs", or use "export"`,
        place: use,
      },
    }
  }
  return {
    exports: exportsOf(program),
    imports: importsOf(program, file),
    entries: entriesNamed(program, file),
    ids: idsWritten(program),
    types: typesExported(text),
  }
}

function parseAs(sourceType: PackageType, code: string): Program {
  return parse(code, { ecmaVersion: 'latest', sourceType, locations: true, allowHashBang: true })
}

function esInCommonJs(program: Program, file: string, packageFile: string): SyntaxFault {
  const first = program.body.find(({ type }) => type.startsWith('Import') || type.startsWith('Export'))
  const place = { file, line: first?.loc?.start.line ?? 1, column: (first?.loc?.start.column ?? 0) + 1 }
  return {
    message:
      `this is an ES module, and ${packageFile} says "type": ` +
      `"commonjs": make that "module", or name the file ".mts"`,
    place,
  }
}

/** Names of `export interface X` and similar declarations: a hint that needs no parser. */
function typesExported(text: string): ReadonlySet<string> {
  const declared = text.matchAll(/\bexport\s+(?:declare\s+)?(?:interface|type)\s+([\w$]+)/g)
  const listed = text.matchAll(/\bexport\s+type\s*\{([^}]*)\}/g)
  return new Set([
    ...Array.from(declared, ([, name = '']) => name),
    ...Array.from(listed, ([, names = '']) =>
      names.split(',').map(
        (name) =>
          name
            .trim()
            .split(/\s+as\s+/)
            .at(-1) ?? '',
      ),
    ).flat(),
  ])
}
