/** Which exports of the packages' entry points have no documentation comment. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

/** `package: name` for each export of an `index.ts` without a comment of its own at its declaration. */
export function undocumentedExports(root: string): readonly string[] {
  return globSync('packages/*/src/index.ts', { cwd: root })
    .toSorted()
    .flatMap((file) => {
      const name = file.split('/')[1] ?? file
      return [...exportsOf(join(root, file))]
        .filter(([, place]) => place !== undefined && !isDocumented(place.file, place.name))
        .map(([exported, place]) => `${name}: ${exported} (${relative(root, place?.file ?? '')})`)
        .toSorted()
    })
}

interface Place {
  readonly file: string
  readonly name: string
}

/** The names that a module exports, with where each is declared; nothing where that is another package. */
function exportsOf(file: string): ReadonlyMap<string, Place | undefined> {
  const source = readFileSync(file, 'utf8')
  const found = new Map<string, Place | undefined>()
  for (const [, list = '', specifier] of source.matchAll(/^export (?:type )?\{([^}]*)\}(?: from '([^']+)')?/gm)) {
    for (const item of list.split(',')) {
      const [, name, alias] = /^\s*(?:type\s+)?(\w+)(?:\s+as\s+(\w+))?\s*$/.exec(item) ?? []
      if (name === undefined) continue
      const target = specifier === undefined ? imported(source, name, file) : resolved(file, specifier)
      found.set(alias ?? name, target === undefined ? undefined : declared(target, name))
    }
  }
  for (const [, specifier = ''] of source.matchAll(/^export (?:type )?\* from '([^']+)'/gm)) {
    const target = resolved(file, specifier)
    if (target !== undefined) for (const [name, place] of exportsOf(target)) found.set(name, place)
  }
  for (const [, name = ''] of source.matchAll(declaration(String.raw`(\w+)`))) found.set(name, { file, name })
  return found
}

function imported(source: string, name: string, file: string): string | undefined {
  const [, specifier] =
    new RegExp(String.raw`^import (?:type )?\{[^}]*\b${name}\b[^}]*\} from '([^']+)'`, 'm').exec(source) ?? []
  return specifier === undefined ? file : resolved(file, specifier)
}

function resolved(file: string, specifier: string): string | undefined {
  return specifier.startsWith('.') ? resolve(dirname(file), specifier) : undefined
}

/** Where a name that a file exports is declared: there, or where that file has it from. */
function declared(file: string, name: string): Place | undefined {
  if (!existsSync(file)) return undefined
  if (declaration(name).test(readFileSync(file, 'utf8'))) return { file, name }
  return exportsOf(file).get(name)
}

function declaration(name: string): RegExp {
  return new RegExp(
    String.raw`^export (?:declare )?(?:abstract )?(?:async )?` +
      String.raw`(?:function\*?|class|const|let|interface|type|enum) ${name}\b`,
    'gm',
  )
}

function isDocumented(file: string, name: string): boolean {
  const lines = readFileSync(file, 'utf8').split('\n')
  const at = lines.findIndex((line) => declaration(name).test(line))
  return at > 0 && /\*\/\s*$/.test(lines[at - 1] ?? '')
}
