/**
 * Finds a Go toolchain that is new enough: the installed one, or, if that is older, one that it downloads as a module.
 */
import { execFile } from 'node:child_process'
import { access, chmod, constants, glob, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { TroupeError } from '@troupe/core'
import { sourceFolder } from '../source.ts'

const run = promisify(execFile)

/** The name of the package in Debian and its derivatives. */
export const goPackage = 'golang-go'

/** How to run a Go. */
export interface Go {
  readonly program: string
  /** Variables to set in addition to the environment. */
  readonly environment: Readonly<Record<string, string>>
}

/** Since Go 1.21, Go downloads other versions of itself. */
const fetchesItself: Version = [1, 21, 0]
const usualFolders = ['/usr/local/go/bin', '/usr/lib/go/bin']
const architectures = new Map([
  ['x64', 'amd64'],
  ['arm64', 'arm64'],
])

type Version = readonly [major: number, minor: number, patch: number]

/**
 * Returns the Go to build with, according to the module's `go` and `toolchain` lines.
 *
 * @throws TroupeError `Unavailable`, final, with what to do, if there is none at all.
 */
export async function findGo(): Promise<Go> {
  const program = await installedGo()
  const version = await versionOf(program)
  const { least, wanted } = await versionsOfModule()
  if (!isOlder(version, least)) return { program, environment: {} }
  if (!isOlder(version, fetchesItself)) return { program, environment: { GOTOOLCHAIN: wanted } }
  return { program: await fetchToolchain(program, wanted), environment: { GOTOOLCHAIN: 'local', GOROOT: '' } }
}

async function installedGo(): Promise<string> {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...usualFolders]
  for (const folder of folders) {
    const path = join(folder, 'go')
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (isThere) return path
  }
  throw new TroupeError(
    'Unavailable',
    `Go is not installed: neither the PATH nor ${usualFolders.join(' nor ')} ` +
      `has it. On Debian: apt-get install ${goPackage}`,
    {
      retryable: false,
    },
  )
}

/**
 * Downloads a toolchain. It is a module, so a Go version that does not support toolchains can download it too; only the
 * file modes are lost.
 */
async function fetchToolchain(program: string, wanted: string): Promise<string> {
  const architecture = architectures.get(process.arch) ?? process.arch
  const folder = await mkdtemp(join(tmpdir(), 'troupe-go-'))
  try {
    const module = `golang.org/toolchain@v0.0.1-${wanted}.${process.platform}-${architecture}`
    const env = { ...process.env, GOFLAGS: '-modcacherw' }
    const { stdout } = await run(program, ['mod', 'download', '-json', module], { cwd: folder, env })
    const root = folderIn(stdout)
    for await (const file of glob('{bin,pkg/tool/*}/*', { cwd: root })) await chmod(join(root, file), 0o755)
    return join(root, 'bin/go')
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function folderIn(output: string): string {
  const json: unknown = JSON.parse(output)
  if (typeof json === 'object' && json !== null && 'Dir' in json && typeof json.Dir === 'string') return json.Dir
  throw new TroupeError('Unavailable', `Go did not say where it put its toolchain: ${output}`, { retryable: false })
}

async function versionOf(program: string): Promise<Version> {
  const { stdout } = await run(program, ['version'], { cwd: tmpdir() })
  return parseVersion(/\bgo([\d.]+)/.exec(stdout)?.[1] ?? '0')
}

async function versionsOfModule(): Promise<{ readonly least: Version; readonly wanted: string }> {
  const text = await readFile(join(sourceFolder, 'go.mod'), 'utf8')
  const least = /^go ([\d.]+)$/m.exec(text)?.[1] ?? '0'
  return { least: parseVersion(least), wanted: /^toolchain (go[\d.]+)$/m.exec(text)?.[1] ?? `go${least}` }
}

function parseVersion(text: string): Version {
  const [major = 0, minor = 0, patch = 0] = text.split('.').map(Number)
  return [major, minor, patch]
}

function isOlder([major, minor, patch]: Version, than: Version): boolean {
  if (major !== than[0]) return major < than[0]
  return minor === than[1] ? patch < than[2] : minor < than[1]
}
