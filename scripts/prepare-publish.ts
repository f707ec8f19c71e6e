/**
 * Makes the packages to publish: a copy of each public package in which `exports` and `bin` name the JavaScript of
 * `dist`. Node strips types only from a program's own sources, not inside `node_modules`. Only files that `exports` and
 * `bin` lead to are copied. Run it after `tsc -b`. It also makes the sidecar's packages: this machine's, or all with
 * `--all-platforms`.
 */
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { publishedSources } from './published-sources.ts'
import { packedPlatforms, prepareSidecars } from './sidecar-packages.ts'

const ownFolders = ['dist', 'src', 'bin']

/** Copies every public package of `root` into its own folder under `target`, and returns those folders. */
export function preparePublish(root: string, target: string): string[] {
  rmSync(target, { recursive: true, force: true })
  return globSync('packages/*/package.json', { cwd: root })
    .map((file) => join(root, dirname(file)))
    .filter((folder) => manifestOf(folder)['private'] !== true)
    .toSorted()
    .map((folder) => preparePackage(folder, join(target, basename(folder)), root))
}

function preparePackage(folder: string, target: string, root: string): string {
  mkdirSync(target, { recursive: true })
  const manifest = manifestOf(folder)
  for (const file of publishedSources(folder, manifest)) {
    for (const emitted of emittedFrom(file)) {
      const source = emitted.startsWith('dist/') && file.endsWith('.ts') ? emitted : file
      if (!existsSync(join(folder, source))) throw new Error(`${join(folder, source)} is missing: run tsc -b first`)
      cpSync(join(folder, source), join(target, emitted))
    }
  }
  const more = otherFiles(manifest).flatMap((path) => [path, `${path}/**/*`])
  for (const file of globSync(['README.md', 'bin/**/*.*', ...more], { cwd: folder, withFileTypes: true })) {
    const path = join(file.parentPath, file.name)
    if (file.isFile() && !path.endsWith('_test.go')) cpSync(path, join(target, relative(folder, path)))
  }
  cpSync(join(root, 'LICENSE'), join(target, 'LICENSE'))
  writeFileSync(join(target, 'package.json'), `${JSON.stringify(publishedManifest(manifest), undefined, 2)}\n`)
  return target
}

/** Sources are copied too, so that source maps lead somewhere. */
function emittedFrom(file: string): string[] {
  const built = file.replace(/^src\//, 'dist/')
  if (!file.endsWith('.ts')) return [built]
  const stem = built.slice(0, -'.ts'.length)
  return [file, `${stem}.js`, `${stem}.js.map`, `${stem}.d.ts`, `${stem}.d.ts.map`]
}

/** The manifest with its paths changed to `dist`, and without development-only fields. */
export function publishedManifest(manifest: Record<string, unknown>): Record<string, unknown> {
  const { scripts: _scripts, devDependencies: _devDependencies, exports, bin, ...rest } = manifest
  return {
    ...rest,
    ...(exports !== undefined && { exports: builtPaths(exports) }),
    ...(bin !== undefined && { bin: builtPaths(bin) }),
    files: [...ownFolders, ...otherFiles(manifest)],
    publishConfig: { access: 'public' },
  }
}

/** The files that a package declares in addition to its TypeScript. */
function otherFiles({ files }: Record<string, unknown>): string[] {
  const all: readonly unknown[] = Array.isArray(files) ? files : []
  return all.filter((file) => typeof file === 'string').filter((file) => !ownFolders.includes(file))
}

function builtPaths(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(/^\.\/src\/(.+)\.ts$/, './dist/$1.js')
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, path]: [string, unknown]) => [key, builtPaths(path)]))
}

/** The `package.json` of a folder. */
export function manifestOf(folder: string): Record<string, unknown> {
  const json: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  if (typeof json !== 'object' || json === null) throw new Error(`${folder}/package.json holds no object`)
  return { ...json }
}

if (import.meta.main) {
  const root = resolve(import.meta.dirname, '..')
  const target = join(root, '.cache/publish')
  for (const folder of preparePublish(root, target)) console.log(folder)
  await prepareSidecars(root, target, packedPlatforms(process.argv))
}
