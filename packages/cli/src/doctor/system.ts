/** What `troupe doctor` reads of the machine. Tests replace parts of it. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { availableParallelism, networkInterfaces, tmpdir } from 'node:os'
import { promisify } from 'node:util'

export interface System {
  readonly platform: NodeJS.Platform
  /** `26.1.0` */
  readonly nodeVersion: string
  /** Options of Node on its command line. */
  readonly nodeOptions: readonly string[]
  readonly env: NodeJS.ProcessEnv
  /** `undefined` where the system has no users. */
  readonly uid: number | undefined
  readonly cores: number
  readonly tmpdir: string
  /** Bytes of memory that the system allows this program; `undefined` without a limit. */
  readonly memoryLimit: number | undefined
  /** The addresses of this machine. */
  readonly addresses: ReadonlySet<string>
  /** Unix time in milliseconds. */
  readonly now: () => number
  /** The text of a file of the system, such as those of `/proc`; `undefined` if it cannot be read. */
  readonly read: (path: string) => Promise<string | undefined>
  /** Why this user cannot create a user namespace; `undefined` if it can, or if this cannot be found out. */
  readonly noUserNamespaces: () => Promise<string | undefined>
}

const unshareTimeout = 3000
/** Node reports a limit of this size and above where there is none. */
const unlimited = 2 ** 53

/** This machine. */
export function thisSystem(): System {
  const memory = process.constrainedMemory()
  return {
    platform: process.platform,
    nodeVersion: process.versions.node,
    nodeOptions: process.execArgv,
    env: process.env,
    uid: process.getuid?.(),
    cores: availableParallelism(),
    tmpdir: tmpdir(),
    memoryLimit: memory > 0 && memory < unlimited ? memory : undefined,
    addresses: new Set(
      Object.values(networkInterfaces()).flatMap((all = []) => all.map(({ address }) => address.toLowerCase())),
    ),
    now: Date.now,
    read: async (path) => readFile(path, 'utf8').catch(() => undefined),
    noUserNamespaces,
  }
}

/** Starts `unshare` of util-linux, if it is installed: a setting of the kernel alone does not show what is allowed. */
async function noUserNamespaces(): Promise<string | undefined> {
  try {
    await promisify(execFile)('unshare', ['--user', '--map-root-user', 'true'], { timeout: unshareTimeout })
    return undefined
  } catch (error) {
    if (!(error instanceof Error) || ('code' in error && error.code === 'ENOENT')) return undefined
    return 'stderr' in error && typeof error.stderr === 'string' && error.stderr !== ''
      ? error.stderr.trim()
      : error.message
  }
}
