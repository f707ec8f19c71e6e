/** What a module's text says, without running it: what it exports and imports, or why Node could not load it. */
import { readFile } from 'node:fs/promises'
import { type ModuleDeclaration, type Node, type Pattern, parse, type Program, type Statement } from 'acorn'
import amaro from 'amaro'
import type { Place } from '@troupe/registry'
import { z } from 'zod'

export interface SourceImport {
  readonly specifier: string
  readonly place: Place
  /** `export * from`: what that module exports, this one does as well. */
  readonly star: boolean
}

export interface ModuleSource {
  /** `undefined` for CommonJS, whose exports only running it tells. */
  readonly exports: readonly string[] | undefined
  readonly imports: readonly SourceImport[]
}

/** Why Node can not load a module. */
export interface SyntaxFault {
  readonly message: string
  readonly place: Place
}

/** Reads the module at `file`. */
export async function readModule(file: string): Promise<ModuleSource | { readonly fault: SyntaxFault }> {
  const text = await readFile(file, 'utf8')
  try {
    const code = /\.[cm]?ts$/.test(file) ? stripTypes(text) : text
    if (/\.c[jt]s$/.test(file)) {
      parse(code, { ecmaVersion: 'latest', sourceType: 'commonjs' })
      return { exports: undefined, imports: [] }
    }
    const program = parse(code, { ecmaVersion: 'latest', sourceType: 'module', locations: true, allowHashBang: true })
    return describe(program, code, file)
  } catch (error) {
    return { fault: faultOf(error, file) }
  }
}

/** By Node's own type stripper, which leaves every character where it was. */
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

function describe(program: Program, code: string, file: string): ModuleSource {
  const statements = program.body.filter(isModuleDeclaration)
  const imports = statements.flatMap((statement) => importOf(statement, file))
  const commonJs = statements.length === 0 && /\bexports\b/.test(code)
  return { exports: commonJs ? undefined : statements.flatMap(exportsOf), imports }
}

function isModuleDeclaration(node: Statement | ModuleDeclaration): node is ModuleDeclaration {
  return node.type.startsWith('Import') || node.type.startsWith('Export')
}

function importOf(statement: ModuleDeclaration, file: string): readonly SourceImport[] {
  if (statement.type === 'ExportDefaultDeclaration' || !statement.source) return []
  const { value, loc } = statement.source
  const star = statement.type === 'ExportAllDeclaration' && !statement.exported
  return [{ specifier: String(value), star, place: { file, line: loc?.start.line ?? 1, column: (loc?.start.column ?? 0) + 1 } }]
}

function exportsOf(statement: ModuleDeclaration): readonly string[] {
  switch (statement.type) {
    case 'ExportDefaultDeclaration':
      return ['default']
    case 'ExportAllDeclaration':
      return statement.exported ? [nameOf(statement.exported)] : []
    case 'ExportNamedDeclaration': {
      const { declaration, specifiers } = statement
      const listed = specifiers.map(({ exported }) => nameOf(exported))
      if (!declaration) return listed
      return declaration.type === 'VariableDeclaration' ? declaration.declarations.flatMap(({ id }) => boundBy(id)) : [declaration.id.name]
    }
    default:
      return []
  }
}

/** The names that a pattern binds: `{ a, b: [c] }` binds `a` and `c`. */
function boundBy(pattern: Pattern): readonly string[] {
  switch (pattern.type) {
    case 'Identifier':
      return [pattern.name]
    case 'ObjectPattern':
      return pattern.properties.flatMap((part) => boundBy(part.type === 'Property' ? part.value : part.argument))
    case 'ArrayPattern':
      return pattern.elements.flatMap((part) => (part ? boundBy(part) : []))
    case 'AssignmentPattern':
      return boundBy(pattern.left)
    case 'RestElement':
      return boundBy(pattern.argument)
    default:
      return []
  }
}

function nameOf(node: Node & ({ name: string } | { value?: unknown })): string {
  return 'name' in node ? node.name : String(node.value)
}
