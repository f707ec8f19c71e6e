/**
 * Makes `@troupe/runtime`, which is in no lockfile and no workspace: the JavaScript of all packages. Each other package
 * re-exports its part of it. So a thread loads one file instead of hundreds, and every package is loaded once.
 */
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join, posix } from 'node:path'
import type { Plugin } from 'rolldown'
import * as zod from 'zod'
import { bundle, bundledName, ownUrl, type Part } from './bundle.ts'
import { externalOf, lazyEntries, lazyLibraries, licencesOf } from './bundled-libraries.ts'
import { buildDashboardPage } from './dashboard-page.ts'
import { plainBuiltins } from './plain-builtins.ts'
import { packagesUsed } from './published-package.ts'

export const runtimePackage = '@troupe/runtime'
/** The licence texts of the libraries that a bundle contains. */
export const licencesFile = 'THIRD_PARTY_LICENSES'

/** A package whose code is in the runtime. */
export interface RuntimePart {
  readonly folder: string
  readonly manifest: Readonly<Record<string, unknown>>
  /** All sources to publish, relative to the folder. */
  readonly sources: readonly string[]
  /** The sources among them that `exports` and `bin` name. */
  readonly exported: readonly string[]
}

/** Sources of the parts of the bundle, relative to `packages`. What a program uses alone is in the first of them. */
const parts: readonly (Omit<Part, 'entries'> & { readonly entries: readonly string[] })[] = [
  { name: 'start', entries: ['process/src/prepare.ts', 'core/src/compile-cache.ts'], isPure: true },
  { name: 'program', entries: ['network/src/program/preload.ts', 'network/src/program/shell/main.ts'] },
  { name: 'exec', entries: ['cli/src/exec/exec.ts'] },
  {
    name: 'thread',
    entries: ['process/src/thread/main.ts', 'functions/src/worker/main.ts', 'troupe/src/index.ts'],
  },
  { name: 'kernel', entries: ['troupe/src/app.ts', 'cli/src/program.ts'] },
]

/** Loads the kernel, in programs of users: they load it with the compile cache. */
const cached = 'troupe-app'
/**
 * The imports of applications begin with this file. A Node before 24 cannot read the code of Troupe: all of it is read
 * before any of it runs, so a check would come too late. This file is read first, so that the error of such a Node
 * names what is needed. A check and then `require` would fail where a thread loads the same files.
 */
const first = { name: 'node-24-or-later.js', package: 'troupe' }
const firstCode =
  'using troupe_needs_Node_24_or_later = null // This Node is older. Install a later one: https://nodejs.org\n'

/**
 * Makes the package in the folder `target`. Returns the names that its exports have, keyed by export.
 *
 * @param root - The repository.
 */
export async function prepareRuntime(
  root: string,
  target: string,
  packages: readonly RuntimePart[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const entriesOf = ({ folder, sources, exported }: RuntimePart) =>
    Array.from(new Set([...exported, ...programsOf(folder, sources)]), (entry): [string, string] => [
      runtimeEntry(folder, entry),
      join(folder, entry),
    ])
  const isExternal = externalOf(packages.map(({ folder }) => folder))
  const { modules, names } = await bundle({
    input: {
      ...Object.fromEntries(packages.flatMap(entriesOf)),
      ...lazyEntries(packages.flatMap(textsOf), isExternal),
    },
    sources: Object.fromEntries(packages.map(({ folder }) => [`${basename(folder)}-`, join(folder, 'src')])),
    isExternal,
    target: join(target, 'dist'),
    scriptLoader: join(root, 'packages/core/src/script-loader.ts'),
    parts: parts.map((part) => ({ ...part, entries: part.entries.map((path) => join(root, 'packages', path)) })),
    plugins: [plainBuiltins(), usedZod(packages.flatMap(zodMembersOf)), lazyLibraries(isExternal)],
  })
  copyReference(root, join(target, 'reference'))
  const page = await buildDashboardPage(root, join(target, 'dashboard'))
  writeFiles(root, target, packages, isExternal)
  writeFileSync(join(target, licencesFile), licencesOf([...modules, ...page]) ?? '')
  return names
}

/** Copies the pages that `troupe docs` prints. */
function copyReference(root: string, target: string): void {
  const pages = join(root, 'docs/reference')
  if (existsSync(pages)) cpSync(pages, target, { recursive: true })
}

/** Returns the export of the runtime package that contains a source, without `./`. */
export function runtimeEntry(folder: string, source: string): string {
  return `${basename(folder)}-${bundledName(source)}`
}

function writeFiles(
  root: string,
  target: string,
  packages: readonly RuntimePart[],
  isExternal: (name: string) => boolean,
): void {
  const [first] = packages
  if (first === undefined) throw new Error('there is no package')
  const { version, license, engines, repository } = first.manifest
  const used = packagesUsed(target)
  const all = (field: string) => {
    const found = packages.flatMap(({ manifest }) => Object.entries(manifest[field] ?? {}))
    const kept = found.filter(([name]) => used.has(name) && isExternal(name))
    return Object.fromEntries(kept.toSorted(([a], [b]) => (a < b ? -1 : 1)))
  }
  const manifest = {
    name: runtimePackage,
    version,
    description: 'The code of Troupe, for its packages. Install troupe instead.',
    license,
    repository,
    type: 'module',
    exports: { './*': './dist/*.js' },
    files: ['dist', 'dashboard', 'reference', licencesFile],
    engines,
    dependencies: all('dependencies'),
    peerDependencies: all('peerDependencies'),
    peerDependenciesMeta: all('peerDependenciesMeta'),
    publishConfig: { access: 'public' },
  }
  writeFileSync(join(target, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`)
  writeFileSync(
    join(target, 'README.md'),
    '# @troupe/runtime\n\nThe code of Troupe, in few files. Install `troupe`, which depends on it.\n',
  )
  cpSync(join(root, 'LICENSE'), join(target, 'LICENSE'))
}

/**
 * Writes the files in `target` that stand for the exports and programs of a package.
 *
 * @param names - What each export of the runtime exports.
 */
export function writeReexports(
  { folder, exported, manifest }: RuntimePart,
  target: string,
  names: ReadonlyMap<string, readonly string[]>,
): void {
  mkdirSync(target, { recursive: true })
  const isFirst = manifest['name'] === first.package
  if (isFirst) writeFileSync(join(target, first.name), firstCode)
  for (const source of exported) {
    const [start = ''] = /^#!.*\n/.exec(readFileSync(join(folder, source), 'utf8')) ?? []
    const entry = runtimeEntry(folder, source)
    const code = entry === cached ? loadedWithCache(entry, names) : `export * from '${runtimePackage}/${entry}'\n`
    const mode = start === '' ? 0o644 : 0o755
    const check = isFirst ? `import './${first.name}'\n` : ''
    writeFileSync(join(target, `${bundledName(source)}.js`), start + check + code, { mode })
  }
}

/** Loads an entry when the cache is enabled, without waiting: modules that wait cannot be loaded with `require`. */
function loadedWithCache(entry: string, names: ReadonlyMap<string, readonly string[]>): string {
  const list = names.get(entry)?.join(', ') ?? ''
  return (
    `import { createRequire } from 'node:module'\n` +
    `import { useCompileCache } from '${runtimePackage}/core-compile-cache'\n` +
    `useCompileCache()\n` +
    `export const { ${list} } = createRequire(import.meta.url)('${runtimePackage}/${entry}')\n`
  )
}

/** Returns the sources that others start by their URL: programs of threads. */
function programsOf(folder: string, sources: readonly string[]): readonly string[] {
  return sources
    .filter((source) => source.endsWith('.ts'))
    .flatMap((source) => {
      const urls = readFileSync(join(folder, source), 'utf8').matchAll(ownUrl)
      const named = Array.from(urls, ([, , path = '']) => posix.join(posix.dirname(source), path))
      return named.flatMap((path) => sources.filter((each) => each === path || each === `${path}.ts`))
    })
}

function textsOf({ folder, sources }: RuntimePart): readonly string[] {
  return sources.filter((source) => source.endsWith('.ts')).map((source) => readFileSync(join(folder, source), 'utf8'))
}

/** The members of `z` that the code of a package uses; its types use more. */
function zodMembersOf({ folder, sources }: RuntimePart): readonly string[] {
  return sources
    .filter((source) => source.endsWith('.ts'))
    .flatMap((source) => {
      const built = join(folder, source.replace(/^src\//, 'dist/').replace(/\.ts$/, '.js'))
      return zodMembersIn(readFileSync(built, 'utf8'))
    })
}

/** Returns the members of `z` in `text`. */
function zodMembersIn(text: string): readonly string[] {
  return Array.from(text.matchAll(/\bz\s*\.\s*(\w+)/g), ([, member = '']) => member).filter((member) => member in zod.z)
}

/** Leaves out what no code uses of zod: `z` is a namespace object, of which a bundler keeps everything. */
function usedZod(members: readonly string[]): Plugin {
  const virtual = '\0zod'
  const names = [...new Set(members)].toSorted()
  const imported = names.map((each) => `${each} as z_${each}`).join(', ')
  const exported = names.map((each) => `${each}: z_${each}`).join(', ')
  return {
    name: 'used-zod',
    resolveId: (id, importer) => (id === 'zod' && importer !== virtual ? virtual : null),
    load: (id) => (id === virtual ? `import { ${imported} } from 'zod'\nexport const z = { ${exported} }\n` : null),
  }
}
