/**
 * Makes the packages with programs in Go, one for each platform: those of `@troupe/tsnet`, which has the sidecar of
 * `network.tailscale` and the launcher of `isolation: process`, and those of `@troupe/nats`. These two then depend on
 * them and contain their checksums. They are made at publication and are in no lockfile, because packages that are not
 * yet published would break `npm ci`.
 */
import { execFile } from 'node:child_process'
import { cp, glob, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { natsServer, platformPackage as natsPackage } from '../packages/nats/src/program.ts'
import { buildProgram } from '../packages/tsnet/src/build/build.ts'
import { findGo, readBuildTags } from '../packages/tsnet/src/build/index.ts'
import { currentPlatform, type Platform, platformPackage, platforms } from '../packages/tsnet/src/index.ts'
import { type GoProgram, launcher, sidecar } from '../packages/tsnet/src/program.ts'
import { ensureGo } from '../test/peers/go.ts'

const run = promisify(execFile)
const licenceNames = /^(?:licen[cs]e|copying|notice|patents)/i

/** The platforms to pack: by default this machine's, because each takes minutes, or all of them for a release. */
export function packedPlatforms(args: readonly string[]): readonly Platform[] {
  return args.includes('--all-platforms') ? platforms : [currentPlatform()]
}

/** A package whose programs are in packages of their own. */
interface Dependent {
  /** Folder of the package, below `packages`. */
  readonly folder: string
  readonly packageOf: (platform: Platform) => string
  /** The programs that a platform has. */
  readonly programs: (platform: Platform) => readonly GoProgram[]
}

const dependents: readonly Dependent[] = [
  {
    folder: 'tsnet',
    packageOf: platformPackage,
    programs: (platform) => (platform.startsWith('linux') ? [sidecar, launcher] : [sidecar]),
  },
  { folder: 'nats', packageOf: natsPackage, programs: () => [natsServer] },
]

/** Adds the packages to the output of `preparePublish` under `target`. */
export async function preparePlatformPackages(
  root: string,
  target: string,
  packed: readonly Platform[],
): Promise<void> {
  await ensureGo()
  for (const dependent of dependents) {
    const checksums: Record<string, string> = {}
    for (const platform of packed) Object.assign(checksums, await preparePlatform(root, target, dependent, platform))
    const folder = join(target, dependent.folder)
    await writeJson(join(folder, 'checksums.json'), checksums)
    const manifest = await readManifest(join(folder, 'package.json'))
    const files: readonly unknown[] = Array.isArray(manifest['files']) ? manifest['files'] : []
    const version = manifest['version']
    const optionalDependencies = Object.fromEntries(packed.map((platform) => [dependent.packageOf(platform), version]))
    await writeJson(join(folder, 'package.json'), {
      ...manifest,
      files: [...files, 'checksums.json'],
      optionalDependencies,
    })
  }
}

/** Returns checksums, keyed by the names that the dependent package looks up. */
async function preparePlatform(
  root: string,
  target: string,
  { folder: name, packageOf, programs }: Dependent,
  platform: Platform,
): Promise<Readonly<Record<string, string>>> {
  const dependent = await readManifest(join(root, 'packages', name, 'package.json'))
  const { version, license, engines } = dependent
  const folder = join(target, `${name}-${platform}`)
  await mkdir(join(folder, 'bin'), { recursive: true })
  const checksums: Record<string, string> = {}
  for (const program of programs(platform)) {
    const { path, sha256 } = await buildProgram(program, { platform, cache: join(root, '.cache') })
    await cp(path, join(folder, 'bin', program.name))
    checksums[`${program.name}-${platform}`] = sha256
  }
  const [main] = programs(platform)
  await cp(join(root, 'LICENSE'), join(folder, 'LICENSE'))
  await writeFile(join(folder, 'THIRD_PARTY_LICENSES'), await licences(main))
  const description = `The programs of @troupe/${name} for ${platform}.`
  await writeFile(
    join(folder, 'README.md'),
    `${description} Install @troupe/${name} instead, which brings the right one.\n`,
  )
  const manifest = platformManifest(platform, { name: packageOf(platform), description, version, license, engines })
  await writeJson(join(folder, 'package.json'), manifest)
  return checksums
}

/** npm installs it only where `os` and `cpu` fit. */
export function platformManifest(
  platform: Platform,
  common: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const [os, cpu] = platform.split('-')
  return {
    ...common,
    os: [os],
    cpu: [cpu],
    files: ['bin', 'THIRD_PARTY_LICENSES'],
    publishConfig: { access: 'public' },
  }
}

/** The licence texts that the modules in the program, and Go's library, require to be distributed with it. */
async function licences(source: GoProgram | undefined): Promise<string> {
  const { program, environment } = await findGo()
  const options = { cwd: source?.folder, env: { ...process.env, ...environment }, maxBuffer: 2 ** 24 }
  // The program's own module, which has the licence of this repository, is left out.
  const format = '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}\t{{.Dir}}{{end}}{{end}}'
  const tags = source === sidecar ? ['-tags', await readBuildTags()] : []
  const { stdout } = await run(program, ['list', '-deps', ...tags, '-f', format, '.'], options)
  const { stdout: library } = await run(program, ['env', 'GOROOT'], options)
  const folders = new Map(
    [...new Set(stdout.split('\n'))].filter((line) => line.includes('\t/')).map((line) => splitAt(line, '\t')),
  )
  const parts = [await licenceOf('Go', library.trim())]
  for (const [name, folder] of [...folders].toSorted(([a], [b]) => a.localeCompare(b)))
    parts.push(await licenceOf(name, folder))
  return parts.join('\n')
}

async function licenceOf(name: string, folder: string): Promise<string> {
  const all = await Array.fromAsync(glob('*', { cwd: folder, withFileTypes: true }))
  const files = all.flatMap((file) => (file.isFile() && licenceNames.test(file.name) ? [file.name] : [])).toSorted()
  if (files.length === 0) throw new Error(`${name} contains no licence: ${folder}`)
  const texts = await Promise.all(files.map(async (file) => readFile(join(folder, file), 'utf8')))
  return [`==== ${name}`, ...texts].join('\n\n')
}

function splitAt(line: string, separator: string): [string, string] {
  const at = line.indexOf(separator)
  return [line.slice(0, at), line.slice(at + separator.length)]
}

async function readManifest(path: string): Promise<Record<string, unknown>> {
  const json: unknown = JSON.parse(await readFile(path, 'utf8'))
  if (typeof json !== 'object' || json === null) throw new Error(`${path} holds no object`)
  return { ...json }
}

async function writeJson(path: string, value: unknown): Promise<void> {
  await writeFile(path, `${JSON.stringify(value, undefined, 2)}\n`)
}
