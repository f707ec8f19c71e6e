/**
 * Finds the sources of a package to publish: those that its exports and programs lead to. Tests, and files that only
 * they use, are not among them, so no list of names is needed.
 */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

/** Paths as they are written in sources, whole or up to an extension that is chosen at run time. */
const relativePath = /['"`](\.{1,2}\/[\w./-]+)/g
/** In a line of code: an example in a comment may import them. */
const toolsOfTests = /^(?!\s*\*).*['"`](?:vitest|fast-check)['"`]/m

/**
 * Returns the sources of the package in `folder` that `manifest` leads to, relative to the folder and sorted. Imports
 * in the declarations of `dist` count too, because the compiler writes types there that no source imports.
 */
export function publishedSources(folder: string, manifest: Readonly<Record<string, unknown>>): readonly string[] {
  const found = new Set<string>()
  const waiting = [...pathsIn(manifest['exports']), ...pathsIn(manifest['bin'])]
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const source = sourceAt(folder, path)
    if (source === undefined || found.has(source)) continue
    found.add(source)
    const text = readFileSync(join(folder, source), 'utf8')
    if (toolsOfTests.test(text))
      throw new Error(`${join(folder, source)} would be published, and is for tests: it imports what runs them`)
    for (const each of [text, declarationsOf(folder, source)]) {
      for (const [, named = ''] of each.matchAll(relativePath)) waiting.push(join(dirname(source), named))
    }
  }
  return [...found].toSorted()
}

/** Returns the sources that `exports` and `bin` name, relative to the folder. */
export function exportedSources(folder: string, manifest: Readonly<Record<string, unknown>>): readonly string[] {
  return [...pathsIn(manifest['exports']), ...pathsIn(manifest['bin'])].flatMap((path) => {
    const source = sourceAt(folder, path)
    return source?.endsWith('.ts') === true ? [source] : []
  })
}

/**
 * Returns the declarations that those of `exported` lead to, relative to the folder and sorted. The types of an
 * application need no others.
 */
export function publishedDeclarations(folder: string, exported: readonly string[]): readonly string[] {
  const found = new Set<string>()
  const waiting = exported.map((source) => source.replace(/^src\//, 'dist/').replace(/\.ts$/, '.d.ts'))
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (found.has(file)) continue
    if (!existsSync(join(folder, file))) throw new Error(`${join(folder, file)} is missing: run tsc -b first`)
    found.add(file)
    const text = readFileSync(join(folder, file), 'utf8').replaceAll(/\/\*[^]*?\*\//g, '')
    for (const [, path = ''] of text.matchAll(relativePath))
      waiting.push(join(dirname(file), path).replace(/\.[jt]s$/, '.d.ts'))
  }
  return [...found].toSorted()
}

function pathsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(pathsIn) : []
}

/** The file under `src` that a path means: with its own extension, without one, or with that of the built file. */
function sourceAt(folder: string, path: string): string | undefined {
  const plain = normalize(path)
  if (!plain.startsWith('src/')) return undefined
  const candidates = [plain, `${plain}.ts`, plain.replace(/\.js$/, '.ts')]
  return candidates.find(
    (candidate) => existsSync(join(folder, candidate)) && statSync(join(folder, candidate)).isFile(),
  )
}

function declarationsOf(folder: string, source: string): string {
  const file = join(folder, source.replace(/^src\//, 'dist/').replace(/\.ts$/, '.d.ts'))
  return source.endsWith('.ts') && existsSync(file) ? readFileSync(file, 'utf8') : ''
}
