/**
 * Checks that each package depends only on lower packages: in its imports, in its `package.json`, and, for `process`,
 * in the concepts that it names. No import may reach into another package past its `exports`, and no files of a package
 * may import each other in a circle; imports of types count.
 */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { circles } from './circles.ts'

/** The lowest first. */
const floors = [
  '@troupe/core',
  '@troupe/registry',
  '@troupe/tsnet',
  '@troupe/nats',
  '@troupe/network',
  '@troupe/policy',
  '@troupe/process',
  '@troupe/functions',
  '@troupe/cluster',
  '@troupe/queue',
  '@troupe/http',
  'troupe',
  '@troupe/cli',
  'create-troupe',
]

interface Package {
  readonly name: string
  /** Absolute path of its folder. */
  readonly folder: string
  /** Subpaths that `exports` opens: `.`, `./kernel`. */
  readonly exports: readonly string[]
  /** All declared dependencies, for use or for development. */
  readonly dependencies: readonly string[]
}

interface SourceImport {
  readonly specifier: string
  readonly line: number
}

/** Concepts of the floors above that a package must not name, in code or in comments. */
const foreignConcepts: ReadonlyMap<string, RegExp> = new Map([
  [
    '@troupe/process',
    /\b(?:https?_\w+|http(?!s?:)|websockets?|endpoints?|lanes?|tokens?|pools?|funcs|calls? of (?:a )?functions?)\b/i,
  ],
])
/** Files that name the packages themselves, or what Node calls so. */
const conceptsNamedIn: ReadonlySet<string> = new Set([
  'packages/process/src/host/process/readable-files.ts',
  'packages/process/src/thread/zeroed-memory.ts',
])

/** Returns the lines to print, one for each violation under `root`. */
export function violations(root: string): string[] {
  const workspaces = globSync(['packages/*/package.json', 'examples/*/package.json', 'test/package.json'], {
    cwd: root,
  })
  const packages = new Map(workspaces.map((file) => readPackage(join(root, file))).map((found) => [found.name, found]))
  return [...packages.values()].flatMap((from) => [
    ...declared(from, packages, root),
    ...sourceFiles(from.folder).flatMap((file) => imported(file, from, packages, root)),
    ...circular(from, root),
    ...foreign(from, root),
  ])
}

function foreign(from: Package, root: string): string[] {
  const concept = foreignConcepts.get(from.name)
  if (concept === undefined) return []
  return sourceFiles(join(from.folder, 'src')).flatMap((file) => {
    const where = relative(root, file)
    if (/\.test\.ts$|\/testing\//.test(where) || conceptsNamedIn.has(where)) return []
    return readFileSync(file, 'utf8')
      .split('\n')
      .flatMap((line, index) => {
        const named = concept.exec(line)?.[0]
        return named === undefined ? [] : [`${where}:${index + 1}: "${named}" belongs to a floor above ${from.name}`]
      })
  })
}

function circular(from: Package, root: string): string[] {
  const found = circles(sourceFiles(from.folder), (source) => importsOf(source).map(({ specifier }) => specifier))
  return found.map(
    (files) => `${from.name}: a circle of imports: ${files.map((file) => relative(root, file)).join(', ')}`,
  )
}

function declared(from: Package, packages: ReadonlyMap<string, Package>, root: string): string[] {
  const where = relative(root, join(from.folder, 'package.json'))
  if (isOnFloor(from, root) && !floors.includes(from.name))
    return [`${where}: ${from.name} stands on no floor; give it one in scripts/check-direction.ts`]
  return from.dependencies
    .filter((name) => packages.has(name) && !mayUse(from.name, name))
    .map((name) => `${where}: ${from.name} depends on ${name}, which is not on a floor below`)
}

function imported(file: string, from: Package, packages: ReadonlyMap<string, Package>, root: string): string[] {
  return importsOf(readFileSync(file, 'utf8')).flatMap(({ specifier, line }) => {
    const problem = specifier.startsWith('.') ? outside(file, specifier, from) : upOrDeep(specifier, from, packages)
    return problem === undefined ? [] : [`${relative(root, file)}:${line}: ${problem}`]
  })
}

function outside(file: string, specifier: string, from: Package): string | undefined {
  const target = resolve(dirname(file), specifier)
  // Fuzz tests target parsers, and the soak test targets stages, which packages do not export.
  if (['fuzz', 'soak'].some((folder) => file.startsWith(resolve(from.folder, folder) + sep))) return undefined
  return target.startsWith(from.folder + sep)
    ? undefined
    : `${specifier} reaches out of ${from.name}; import the other package by its name`
}

function upOrDeep(specifier: string, from: Package, packages: ReadonlyMap<string, Package>): string | undefined {
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
  const target = packages.get(name)
  if (target === undefined || name === from.name) return undefined
  if (!mayUse(from.name, name)) return `${from.name} imports ${name}, which is not on a floor below`
  const subpath = `.${specifier.slice(name.length)}`
  return target.exports.includes(subpath) ? undefined : `${specifier} is not among the exports of ${name}`
}

/**
 * Code outside of packages (examples, tests) is above all of them: it may use every package, and no package may use it.
 */
function mayUse(from: string, target: string): boolean {
  const floor = floors.indexOf(target)
  return floor !== -1 && (!floors.includes(from) || floor < floors.indexOf(from))
}

function isOnFloor(from: Package, root: string): boolean {
  return dirname(from.folder) === join(root, 'packages')
}

/**
 * The modules that a source file names. Only statements at the start of a line count, where the formatter puts them, so
 * that examples in comments do not count.
 */
export function importsOf(source: string): SourceImport[] {
  const statements = source.matchAll(/^(?:import|export)\b(?:[^'"`;=(]*?\bfrom)?\s*'([^']+)'|\bimport\(\s*'([^']+)'/gm)
  return [...statements].flatMap((match) => {
    const specifier = match[1] ?? match[2]
    return specifier === undefined ? [] : [{ specifier, line: source.slice(0, match.index).split('\n').length }]
  })
}

function sourceFiles(folder: string): string[] {
  return globSync('**/*.ts', { cwd: folder, exclude: ['**/node_modules/**', '**/dist/**'] }).map((file) =>
    join(folder, file),
  )
}

function readPackage(file: string): Package {
  const json: unknown = JSON.parse(readFileSync(file, 'utf8'))
  const { name, exports, dependencies, devDependencies, peerDependencies } = fields(json)
  if (typeof name !== 'string') throw new Error(`${file}: no name`)
  return {
    name,
    folder: dirname(file),
    exports: Object.keys(fields(exports)),
    dependencies: [dependencies, devDependencies, peerDependencies].flatMap((group) => Object.keys(fields(group))),
  }
}

function fields(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

if (import.meta.main) {
  const root = resolve(import.meta.dirname, '..')
  if (!existsSync(join(root, 'packages'))) throw new Error(`no packages below ${root}`)
  const found = violations(root)
  for (const violation of found) console.error(violation)
  process.exitCode = found.length === 0 ? 0 : 1
}
