/** Starts an operating-system process: through the launcher on Linux, through Node itself elsewhere. */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { TroupeError } from '@troupe/core'
import { startProgram, tsnetPackage } from '@troupe/network/kernel'
import { type CgroupSettings, cgroupSettings } from './cgroup.ts'
import type { Started } from './exit-report.ts'
import { type Protection, protectionOf } from './protection.ts'
import type { ChildData } from '../../pipe/messages.ts'
import { sampleMark } from '../../pipe/packed-module.ts'
import { packModules } from './module-pack.ts'
import { moduleFiles, systemFiles } from './readable-files.ts'
import type { IsolationSettings } from './isolation-settings.ts'

/** Source files run as they are; built files are JavaScript. */
const extension = import.meta.filename.endsWith('.ts') ? '.ts' : '.js'
const entry = new URL(`../../thread/child/entry${extension}`, import.meta.url)
const main = new URL(`../../thread/child/main${extension}`, import.meta.url)

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
  /** Whether the modules that its processes will run are TypeScript. */
  readonly isTypeScript: boolean
  /** Writes a log line about the host. */
  readonly log: (message: string, level: 'info' | 'warn') => void
}

/** Which protections are weaker without namespaces. */
const stillHeld =
  'The seccomp filter still keeps them from sockets and from starting or signalling other processes. ' +
  'Only the permission model of Node limits which files they read'

/** Starts the processes of one host. */
export class Launch {
  readonly #options: LaunchOptions
  #launcher: string | undefined
  #pack: Uint8Array | undefined
  #protection: Protection | undefined
  #found: Promise<void> | undefined

  constructor(options: LaunchOptions) {
    this.#options = options
  }

  get isReady(): boolean {
    return this.#pack !== undefined
  }

  /** The modules that each of its processes receives first. */
  get pack(): Uint8Array {
    return this.#pack ?? new Uint8Array()
  }

  /** What its processes are started with. */
  get data(): Pick<ChildData, 'writes' | 'sample'> {
    const { root, isTypeScript, settings } = this.#options
    const sample = pathToFileURL(join(root, `sample${isTypeScript ? '.ts' : '.js'}`)).href + sampleMark
    return { writes: (settings.fs?.write ?? []).length > 0, sample }
  }

  /** What holds its processes; `undefined` before the first of them has started, and where that does not vary. */
  get protection(): Protection | undefined {
    return this.#protection
  }

  /** A process has started. What does not hold it is logged once. */
  started(started: Started): void {
    if (this.#protection !== undefined) return
    const { log } = this.#options
    const { folder, limits } = this.#cgroup()
    this.#protection = protectionOf(started, Object.keys(limits))
    const [why, ...more] = this.#protection.missing
    if (!started.namespaces) log(`runs its processes without namespaces: ${started.why ?? ''}. ${stillHeld}`, 'warn')
    const lacking = started.namespaces ? why : more[0]
    if (lacking === undefined) return
    const isExpected = folder !== '' || this.#options.settings.limits?.cpus !== undefined
    log(`limits its processes by resource limits: ${lacking}`, isExpected ? 'warn' : 'info')
  }

  #cgroup(): CgroupSettings {
    const { threads = defaultThreads, nice = defaultNice, memoryMb, cpus } = this.#options.settings.limits ?? {}
    return cgroupSettings({ threads, nice, memoryMb, cpus })
  }

  /** Settles when processes can be started. @throws TroupeError `Unavailable` when the launcher is missing. */
  ready(): Promise<void> {
    this.#found ??= this.#find()
    return this.#found
  }

  async #find(): Promise<void> {
    const pack = packModules([main.href, ...this.#options.modules])
    if (process.platform === 'linux') this.#launcher = await launcherPath()
    this.#pack = await pack
  }

  /** @throws TroupeError `Unavailable` before {@link ready}. */
  start(): ChildProcess {
    const { read, write, env } = this.#files()
    const args = [...this.#flags(read, write), fileURLToPath(entry)]
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
      cgroup: this.#cgroup(),
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
      'stack-size':
        resourceLimits.stackSizeMb === undefined ? undefined : Math.round(resourceLimits.stackSizeMb * kilo),
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
    const {
      memoryMb,
      cpu,
      openFiles = defaultOpenFiles,
      fileSizeMb = 0,
      threads = defaultThreads,
    } = this.#options.settings.limits ?? {}
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

async function launcherPath(): Promise<string> {
  const programs = await tsnetPackage('a host with "isolation: process"')
  return (await programs.findLauncher()).path
}

/** Memory that Node needs besides its heap: stacks of threads, half a GiB reserved for code, shared libraries. */
const besideHeapMb = 768

function memoryOf(memoryMb: number): number {
  return (memoryMb + besideHeapMb) * mega
}
