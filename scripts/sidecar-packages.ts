/**
 * Makes the packages with the sidecar of `network.tailscale` and the launcher of `isolation: process`, one for each
 * platform. `@troupe/tsnet` then depends on them and contains their checksums. They are made at publication and are in
 * no lockfile, because packages that are not yet published would break `npm ci`.
 */
import { execFile } from 'node:child_process'
import { cp, glob, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { buildLauncher, buildSidecar, findGo, readBuildTags } from '../packages/tsnet/src/build/index.ts'
import { currentPlatform, type Platform, platformPackage, platforms } from '../packages/tsnet/src/index.ts'
import { ensureGo } from '../test/peers/go.ts'

const run = promisify(execFile)
const licenceNames = /^(?:licen[cs]e|copying|notice|patents)/i

/** The platforms to pack: by default this machine's, because each takes minutes, or all of them for a release. */
export function packedPlatforms(args: readonly string[]): readonly Platform[] {
  return args.includes('--all-platforms') ? platforms : [currentPlatform()]
}

/** Adds the packages to the output of `preparePublish` under `target`. */
export async function prepareSidecars(root: string, target: string, packed: readonly Platform[]): Promise<void> {
  await ensureGo()
  const checksums: Record<string, string> = {}
  for (const platform of packed) Object.assign(checksums, await preparePlatform(root, target, platform))
  const folder = join(target, 'tsnet')
  await writeJson(join(folder, 'checksums.json'), checksums)
  const manifest = await readManifest(join(folder, 'package.json'))
  const files: readonly unknown[] = Array.isArray(manifest['files']) ? manifest['files'] : []
  const version = manifest['version']
  const optionalDependencies = Object.fromEntries(packed.map((platform) => [platformPackage(platform), version]))
  await writeJson(join(folder, 'package.json'), {
    ...manifest,
    files: [...files, 'checksums.json'],
    optionalDependencies,
  })
}

/** Returns checksums, keyed by the names that `@troupe/tsnet` looks up. */
async function preparePlatform(
  root: string,
  target: string,
  platform: Platform,
): Promise<Readonly<Record<string, string>>> {
  const options = { platform, cache: join(root, '.cache') }
  const { path, sha256 } = await buildSidecar(options)
  const launcher = platform.startsWith('linux') ? await buildLauncher(options) : undefined
  const { version, license, engines } = await readManifest(join(root, 'packages/tsnet/package.json'))
  const folder = join(target, `tsnet-${platform}`)
  await mkdir(join(folder, 'bin'), { recursive: true })
  await cp(path, join(folder, 'bin/troupe-tsnet'))
  if (launcher !== undefined) await cp(launcher.path, join(folder, 'bin/troupe-launch'))
  await cp(join(root, 'LICENSE'), join(folder, 'LICENSE'))
  await writeFile(join(folder, 'THIRD_PARTY_LICENSES'), await licences(join(root, 'packages/tsnet/sidecar')))
  await writeFile(
    join(folder, 'README.md'),
    `The programs of @troupe/tsnet for ${platform}. Install @troupe/tsnet instead, which brings the right one.\n`,
  )
  await writeJson(join(folder, 'package.json'), platformManifest(platform, { version, license, engines }))
  return { [platform]: sha256, ...(launcher && { [`troupe-launch-${platform}`]: launcher.sha256 }) }
}

/** npm installs it only where `os` and `cpu` fit. */
export function platformManifest(
  platform: Platform,
  common: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const [os, cpu] = platform.split('-')
  return {
    name: platformPackage(platform),
    description: `The programs of @troupe/tsnet for ${platform}.`,
    ...common,
    os: [os],
    cpu: [cpu],
    files: ['bin', 'THIRD_PARTY_LICENSES'],
    publishConfig: { access: 'public' },
  }
}

/** The licence texts that the modules in the program, and Go's library, require to be distributed with it. */
async function licences(module: string): Promise<string> {
  const { program, environment } = await findGo()
  const options = { cwd: module, env: { ...process.env, ...environment }, maxBuffer: 2 ** 24 }
  const format = '{{with .Module}}{{.Path}} {{.Version}}\t{{.Dir}}{{end}}'
  const { stdout } = await run(program, ['list', '-deps', '-tags', await readBuildTags(), '-f', format, '.'], options)
  const { stdout: library } = await run(program, ['env', 'GOROOT'], options)
  const folders = new Map(
    [...new Set(stdout.split('\n'))].filter((line) => line.includes('\t/')).map((line) => splitAt(line, '\t')),
  )
  folders.delete('sidecar ')
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
