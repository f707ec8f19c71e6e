/**
 * Makes the packages to publish: for each public package its declarations, and files that `exports` and `bin` name.
 * Node strips types only from a program's own sources, not inside `node_modules`. Only what `exports` and `bin` lead to
 * is published; almost all code is in one more package, the runtime. `troupe` has the programs of the command line too.
 * Run it after `tsc -b`. It also makes the packages of single platforms: this machine's, or all with `--all-platforms`.
 */
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { bundle, bundledName } from './bundle.ts'
import { externalOf, licencesOf } from './bundled-libraries.ts'
import { manifestOf } from './manifest.ts'
import { plainBuiltins } from './plain-builtins.ts'
import { packagesUsed } from './published-package.ts'
import { exportedSources, publishedDeclarations, publishedSources } from './published-sources.ts'
import { licencesFile, prepareRuntime, runtimePackage, type RuntimePart, writeReexports } from './runtime-package.ts'
import { packedPlatforms, preparePlatformPackages } from './platform-packages.ts'

const ownFolders = new Set(['dist', 'src', 'bin'])
/** The package whose programs another one has: it stands above that one, which cannot depend on it. */
const programs = { of: '@troupe/cli', in: 'troupe' }
/**
 * Their code stays in them: one finds files from its own folder (the sidecar's sources, and the packages of single
 * platforms), the other is run without an installation.
 */
const withFiles = new Set(['@troupe/tsnet', '@troupe/nats', 'create-troupe'])

/** Makes every public package of `root` in its own folder under `target`, and returns those folders. */
export async function preparePublish(root: string, target: string): Promise<readonly string[]> {
  rmSync(target, { recursive: true, force: true })
  const packages = globSync('packages/*/package.json', { cwd: root })
    .map((file) => join(resolve(root), dirname(file)))
    .toSorted()
    .map((folder) => packageIn(folder))
  const runtime = join(target, 'runtime')
  const parts = packages.filter(({ manifest }) => !withFiles.has(String(manifest['name'])))
  const names = await prepareRuntime(resolve(root), runtime, parts)
  const commandLine = parts.find(({ manifest }) => manifest['name'] === programs.of)
  const folders = await Promise.all(
    packages
      .filter(({ manifest }) => manifest['private'] !== true)
      .map(async (each) => {
        const own = join(target, basename(each.folder))
        const contained = each.manifest['name'] === programs.in ? commandLine : undefined
        copyPackage(each, contained, own, root)
        if (parts.includes(each)) writeReexports(each, join(own, 'dist'), names)
        else await bundleAlone(each, join(own, 'dist'))
        if (contained !== undefined) writeReexports(contained, join(own, 'dist'), names)
        keepUsed(own)
        return own
      }),
  )
  return [runtime, ...folders]
}

/** A package that is not published has only its programs in the runtime. */
function packageIn(folder: string): RuntimePart {
  const manifest = manifestOf(folder)
  const named = manifest['private'] === true ? { bin: manifest['bin'] } : manifest
  return { folder, manifest, sources: publishedSources(folder, named), exported: exportedSources(folder, named) }
}

/** Bundles a package with what it names only in `devDependencies`. */
async function bundleAlone({ folder, exported }: RuntimePart, target: string): Promise<void> {
  const { modules } = await bundle({
    input: Object.fromEntries(exported.map((source) => [bundledName(source), join(folder, source)])),
    sources: { '': join(folder, 'src') },
    isExternal: externalOf([folder]),
    target,
    plugins: [plainBuiltins()],
  })
  const licences = licencesOf(modules)
  if (licences !== undefined) writeFileSync(join(target, licencesFile), licences)
}

/** Copies what is not bundled: declarations, and other files. */
function copyPackage(
  { folder, manifest, sources }: RuntimePart,
  contained: RuntimePart | undefined,
  target: string,
  root: string,
): void {
  mkdirSync(target, { recursive: true })
  for (const file of sources.filter((each) => !each.endsWith('.ts'))) {
    const built = file.replace(/^src\//, 'dist/')
    cpSync(join(folder, file), join(target, built))
  }
  for (const file of publishedDeclarations(folder, exportedSources(folder, { exports: manifest['exports'] }))) {
    mkdirSync(dirname(join(target, file)), { recursive: true })
    writeFileSync(join(target, file), readFileSync(join(folder, file), 'utf8').replace(/\/\/# source\S+\s*$/, ''))
  }
  const more = otherFiles(manifest).flatMap((path) => [path, `${path}/**/*`])
  for (const file of globSync(['README.md', 'bin/**/*.*', ...more], { cwd: folder, withFileTypes: true })) {
    const path = join(file.parentPath, file.name)
    if (file.isFile() && !path.endsWith('_test.go')) cpSync(path, join(target, relative(folder, path)))
  }
  cpSync(join(root, 'LICENSE'), join(target, 'LICENSE'))
  const published = publishedManifest({ ...manifest, ...(contained && { bin: contained.manifest['bin'] }) })
  writeFileSync(join(target, 'package.json'), `${JSON.stringify(published, undefined, 2)}\n`)
}

/** Keeps the dependencies that code or declarations import. Most of the code is in the runtime. */
function keepUsed(folder: string): void {
  const { dependencies, ...manifest } = manifestOf(folder)
  const used = packagesUsed(folder)
  const all: readonly (readonly [string, unknown])[] = [
    ...Object.entries(dependencies ?? {}),
    [runtimePackage, manifest['version']],
  ]
  const kept = all.filter(([name]) => used.has(name))
  const text = JSON.stringify({ ...manifest, dependencies: Object.fromEntries(kept) }, undefined, 2)
  writeFileSync(join(folder, 'package.json'), `${text}\n`)
}

/** The manifest with its paths changed to `dist`, and without development-only fields. */
export function publishedManifest(manifest: Record<string, unknown>): Record<string, unknown> {
  const { scripts: _scripts, devDependencies: _devDependencies, exports, bin, ...rest } = manifest
  return {
    ...rest,
    ...(exports !== undefined && { exports: builtExports(exports) }),
    ...(bin !== undefined && { bin: builtPrograms(bin) }),
    files: ['dist', 'bin', ...otherFiles(manifest)],
    publishConfig: { access: 'public' },
  }
}

/** The files that a package declares in addition to its TypeScript. */
function otherFiles({ files }: Record<string, unknown>): string[] {
  const all: readonly unknown[] = Array.isArray(files) ? files : []
  return all.filter((file) => typeof file === 'string').filter((file) => !ownFolders.has(file))
}

/** An export has its declarations where the compiler wrote them, and its code in a bundle. */
function builtExports(exports: unknown): Readonly<Record<string, unknown>> {
  const built = Object.entries(exports ?? {}).map(([name, path]: [string, unknown]): [string, unknown] => {
    if (typeof path !== 'string') throw new Error(`the export ${name} is not the path of a file`)
    if (!path.endsWith('.ts')) return [name, path]
    return [name, { types: path.replace(/^\.\/src\/(.+)\.ts$/, './dist/$1.d.ts'), default: builtPath(path) }]
  })
  return Object.fromEntries(built)
}

function builtPath(path: string): string {
  return `./dist/${bundledName(path.replace(/^\.\//, ''))}.js`
}

function builtPrograms(bin: unknown): unknown {
  if (typeof bin === 'string') return builtPath(bin)
  if (typeof bin !== 'object' || bin === null) return bin
  return Object.fromEntries(Object.entries(bin).map(([name, path]) => [name, builtPath(String(path))]))
}

if (import.meta.main) {
  const root = resolve(import.meta.dirname, '..')
  const target = join(root, '.cache/publish')
  for (const folder of await preparePublish(root, target)) console.log(folder)
  await preparePlatformPackages(root, target, packedPlatforms(process.argv))
}
