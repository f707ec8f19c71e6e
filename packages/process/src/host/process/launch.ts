/** Starts an operating-system process: through the launcher on Linux, through Node itself elsewhere. */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { TroupeError } from '@troupe/core'
import { startProgram } from '@troupe/network/kernel'
import { findLauncher } from '@troupe/tsnet'
import { moduleFiles, systemFiles } from './readable-files.ts'
import type { IsolationSettings } from './isolation-settings.ts'

/** Source files run as they are; built files are JavaScript. */
const main = fileURLToPath(new URL(`../../thread/child/main${import.meta.filename.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url))

/** `NODE_OPTIONS` could contain permissions, and the variables of the dynamic loader could load code. */
const notForChildren = /^(NODE_OPTIONS|LD_.*|DYLD_.*|NODE_CHANNEL_.*)$/

/** A low priority, so that more important processes need not wait for it. */
const defaultNice = 5
const defaultOpenFiles = 1024
/** The threads that Node starts by itself, and a reserve. */
const defaultThreads = 128
const mega = 1 << 20
const kilo = 1000

/** The order of file descriptors is fixed: see `packages/tsnet/launcher/main.go`. */
const stdio = ['ignore', 'pipe', 'pipe', 'ipc', 'pipe', 'pipe'] as const

export interface LaunchOptions {
  readonly settings: IsolationSettings
  /** The application's folder. */
  readonly root: string
  /** URLs of modules that each process loads. */
  readonly modules: readonly string[]
  /** Writes a log line about the host. */
  readonly warn: (message: string) => void
}

/** Which protections are weaker without namespaces. */
const stillHeld =
  'The seccomp filter still keeps them from sockets and from starting or signalling other processes. ' +
  'Only the permission model of Node limits which files they read'

/** Starts the processes of one host. */
export class Launch {
  readonly #options: LaunchOptions
  #launcher: string | undefined
  #isTold = false
  #found: Promise<void> | undefined

  constructor(options: LaunchOptions) {
    this.#options = options
  }

  get isReady(): boolean {
    return process.platform !== 'linux' || this.#launcher !== undefined
  }

  /** Whether its processes may write files. */
  get writes(): boolean {
    return (this.#options.settings.fs?.write ?? []).length > 0
  }

  /** Logs once that its processes have no namespaces. */
  weaker(why: string): void {
    if (this.#isTold) return
    this.#isTold = true
    this.#options.warn(`runs its processes without namespaces: ${why}. ${stillHeld}`)
  }

  /** Settles when processes can be started. @throws TroupeError `Unavailable` when the launcher is missing. */
  ready(): Promise<void> {
    if (process.platform !== 'linux') return Promise.resolve()
    this.#found ??= findLauncher().then(({ path }) => {
      this.#launcher = path
    })
    return this.#found
  }

  /** @throws TroupeError `Unavailable` before {@link ready}. */
  start(): ChildProcess {
    const { read, write, env } = this.#files()
    const args = [...this.#flags(read, write), main]
    const options = { stdio: [...stdio], env, serialization: 'json' as const }
    if (process.platform !== 'linux') return startProgram(() => spawn(process.execPath, args, options))
    const launcher = this.#launcher
    if (launcher === undefined) throw new TroupeError('Unavailable', 'the launcher has not been found yet')
    const settings = {
      read: [...systemFiles(), ...read],
      write,
      folder: '/',
      namespaces: this.#options.settings.sealed?.require === 'namespaces' ? 'require' : 'try',
      limits: this.#limits(write.length > 0),
      nice: this.#options.settings.limits?.nice ?? defaultNice,
    }
    return startProgram(() => spawn(launcher, [JSON.stringify(settings), process.execPath, ...args], options))
  }

  #files(): { readonly read: readonly string[]; readonly write: readonly string[]; readonly env: NodeJS.ProcessEnv } {
    const { root, modules, settings } = this.#options
    const { fs = {}, env = [] } = settings
    const names = env.filter((name) => !notForChildren.test(name) && process.env[name] !== undefined)
    return {
      read: [...moduleFiles(root, modules), ...(fs.read ?? [])],
      write: fs.write ?? [],
      env: Object.fromEntries(names.map((name) => [name, process.env[name]])),
    }
  }

  #flags(read: readonly string[], write: readonly string[]): readonly string[] {
    const { resourceLimits = {}, limits = {} } = this.#options.settings
    const sizes = {
      'max-old-space-size': resourceLimits.maxOldGenerationSizeMb ?? limits.memoryMb,
      'max-semi-space-size': resourceLimits.maxYoungGenerationSizeMb,
      'stack-size': resourceLimits.stackSizeMb === undefined ? undefined : Math.round(resourceLimits.stackSizeMb * kilo),
    }
    const given = Object.entries(sizes).filter(([, size]) => size !== undefined)
    return [
      '--permission',
      ...[...read, ...write].map((path) => `--allow-fs-read=${path}`),
      ...write.map((path) => `--allow-fs-write=${path}`),
      ...given.map(([name, size]) => `--${name}=${size}`),
      '--disable-sigusr1',
    ]
  }

  #limits(writes: boolean): Readonly<Record<string, number>> {
    const { memoryMb, cpu, openFiles = defaultOpenFiles, fileSizeMb = 0, threads = defaultThreads } = this.#options.settings.limits ?? {}
    return {
      open_files: openFiles,
      threads,
      ...(!writes && { file_size: 0 }),
      ...(writes && fileSizeMb > 0 && { file_size: fileSizeMb * mega }),
      ...(memoryMb !== undefined && { data: memoryOf(memoryMb) }),
      ...(cpu !== undefined && { cpu: Math.ceil(cpu / kilo) }),
    }
  }
}

/** Memory that Node needs besides its heap: stacks of threads, half a GiB reserved for code, shared libraries. */
const besideHeapMb = 768

function memoryOf(memoryMb: number): number {
  return (memoryMb + besideHeapMb) * mega
}
