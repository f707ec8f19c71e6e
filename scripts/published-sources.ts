/**
 * Which sources of a package are published: those that its exports and programs lead to. Tests, and what only they use, are not among them, so
 * no list of names has to be kept.
 */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

/** Paths as they stand in sources, whole or up to an extension that is chosen when they run. */
const relativePath = /['"`](\.{1,2}\/[\w./-]+)/g
const toolsOfTests = /['"`](?:vitest|fast-check)['"`]/

/**
 * The sources of the package in `folder` that `manifest` leads to, relative to it, sorted. What the declarations in `dist` name counts too: the
 * compiler writes down types that no source imports.
 */
export function publishedSources(folder: string, manifest: Readonly<Record<string, unknown>>): readonly string[] {
  const found = new Set<string>()
  const waiting = [...pathsIn(manifest['exports']), ...pathsIn(manifest['bin'])]
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const source = sourceAt(folder, path)
    if (source === undefined || found.has(source)) continue
    found.add(source)
    const text = readFileSync(join(folder, source), 'utf8')
    if (toolsOfTests.test(text)) throw new Error(`${join(folder, source)} would be published, and is for tests: it imports what runs them`)
    for (const each of [text, declarationsOf(folder, source)]) {
      for (const [, named = ''] of each.matchAll(relativePath)) waiting.push(join(dirname(source), named))
    }
  }
  return [...found].toSorted()
}

function pathsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(pathsIn) : []
}

/** The file below `src` that a path means: as it is, without its extension, or with that of what is built from it. */
function sourceAt(folder: string, path: string): string | undefined {
  const plain = normalize(path)
  if (!plain.startsWith('src/')) return undefined
  const candidates = [plain, `${plain}.ts`, plain.replace(/\.js$/, '.ts')]
  return candidates.find((candidate) => existsSync(join(folder, candidate)) && statSync(join(folder, candidate)).isFile())
}

function declarationsOf(folder: string, source: string): string {
  const file = join(folder, source.replace(/^src\//, 'dist/').replace(/\.ts$/, '.d.ts'))
  return source.endsWith('.ts') && existsSync(file) ? readFileSync(file, 'utf8') : ''
}
