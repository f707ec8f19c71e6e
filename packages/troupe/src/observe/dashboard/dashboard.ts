/**
 * The operator's web page. A thread of its own serves it; this part runs in the kernel's thread. It observes the
 * application while a page looks, at most once a second, and carries out what operators ask for.
 */
import {
  asTroupeError,
  invalid,
  startInterval,
  startTimer,
  stopTimer,
  type Timer,
  type TroupeError,
  unavailable,
} from '@troupe/core'
import { ownThread } from '@troupe/network/kernel'
import type { AppConfig } from '@troupe/registry'
import { rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { attachFiles, type DashboardPlace, type OperatorAction, prepareFolder } from '../attach-files.ts'
import type { Observation, ObservedService, ObserveOptions } from '../observation.ts'
import type { DashboardHistory } from './history.ts'
import { certificateOf, fileAt, hostsOf, placeOf, prepareSocket, tokensOf } from './place.ts'
import { type DashboardData, type FromDashboard, fromDashboard, type ToDashboard } from './protocol.ts'
import type { Refusals } from './refusals.ts'
import { RowLimit } from './row-limit.ts'

type Settings = NonNullable<AppConfig['dashboard']>

const program = new URL(`./thread${import.meta.filename.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)
/** Milliseconds between two observations. */
const pace = 1000
/** Processes of all threads. */
const mostProcesses = 10_000
/** Connections of each thread. */
const connections = 1000
/** Milliseconds before a thread that has ended is started again. */
const restartDelay = 1000
const memory = { maxOldGenerationSizeMb: 256 }

/** The files of the dashboards of this program's applications. */
const inUse = new Set<string>()

/** The application that the dashboard shows. */
export interface DashboardApp {
  readonly settings: Settings
  readonly stateDir: string
  readonly history: DashboardHistory
  readonly observe: (options: ObserveOptions) => Promise<Observation>
  /** Number of its threads. */
  readonly threads: () => number
  readonly services: () => readonly ObservedService[]
  /** Carries out an action, and returns what is sent back. @throws TroupeError */
  readonly act: (action: OperatorAction) => Promise<unknown>
  /** Returns the document at a path, such as `/registry/log`. @throws TroupeError */
  readonly read: (path: string) => Promise<unknown>
  /** Gets the actions of readers, which are refused. */
  readonly refusals: Refusals
  readonly onError: (error: TroupeError) => void
  /** Returns the text of an error without secrets. */
  readonly shown: (text: string) => string
}

export class Dashboard implements AsyncDisposable {
  readonly #app: DashboardApp
  readonly #data: DashboardData
  readonly #file: string
  #worker: Worker | undefined
  #timer: Timer | undefined
  #restart: Timer | undefined
  readonly #limit = new RowLimit(mostProcesses)
  /** Its Unix socket. */
  #socket: string | undefined
  #isObserving = false
  #isStopped = false
  /** When it observed last. */
  #looked = -pace
  /** Numbers of the last rows that were posted. */
  #posted = { line: 0, change: 0 }

  private constructor(app: DashboardApp, data: DashboardData) {
    this.#app = app
    this.#data = data
    this.#file = attachFiles(app.stateDir, process.pid).dashboard
  }

  /**
   * Starts to serve, and writes the address and the tokens to a file that only this user can read.
   *
   * @throws TroupeError `Unavailable` for an address in use, or an unreadable file of `tls`; `Invalid` where the folder
   *   of a Unix socket, or of the state, is not this user's alone, and where another application of this program has
   *   the same `state_dir`.
   */
  static async start(app: DashboardApp): Promise<Dashboard> {
    const { addr, tls, hosts } = app.settings
    const at = placeOf(addr)
    const dashboard = new Dashboard(app, {
      at,
      tls: tls && certificateOf(tls),
      hosts: hostsOf(addr),
      aliases: hosts.map((host) => host.toLowerCase()),
      tokens: tokensOf(app.settings),
      pid: process.pid,
    })
    const file = dashboard.#file
    if (inUse.has(file))
      throw invalid(`another application of this program has ${file}: set a network_service.state_dir of its own`)
    inUse.add(file)
    try {
      if ('path' in at) await prepareSocket(at.path)
      await dashboard.#publish(await dashboard.#open(at))
    } catch (error) {
      await dashboard[Symbol.asyncDispose]()
      throw error
    }
    return dashboard
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true
    stopTimer(this.#timer)
    stopTimer(this.#restart)
    this.#app.refusals[Symbol.dispose]()
    await this.#worker?.terminate()
    await rm(this.#file, { force: true })
    const { at } = this.#data
    if ('path' in at && this.#socket !== undefined && (await fileAt(at.path)) === this.#socket)
      await rm(at.path, { force: true })
    inUse.delete(this.#file)
  }

  /** Starts the thread. Resolves with its port when it listens. */
  async #open(at: DashboardData['at']): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    const worker = new Worker(program, {
      workerData: ownThread({ ...this.#data, at }),
      env: {},
      execArgv: ['--disable-warning=ExperimentalWarning'],
      name: 'dashboard',
      resourceLimits: memory,
    })
    this.#worker = worker
    this.#posted = { line: 0, change: 0 }
    let failure = unavailable('the thread of the dashboard has ended')
    worker.on('error', (error) => {
      failure = asTroupeError(error)
    })
    worker.once('exit', () => {
      this.#looking(0)
      reject(failure)
    })
    worker.on('message', (value: unknown) => {
      const { data: message } = fromDashboard.safeParse(value)
      if (message?.type === 'listening') resolve(message.port)
      else if (message?.type === 'trouble') this.#app.onError(unavailable(message.reason))
      else if (message?.type === 'failed')
        reject(unavailable(`the dashboard cannot be served at ${this.#app.settings.addr}: ${message.reason}`))
      else if (message !== undefined) this.#handle(message)
    })
    try {
      const port = await promise
      // From now on it does not keep the program alive.
      worker.unref()
      worker.once('exit', () => {
        this.#ended('port' in at ? { ...at, port } : at, failure)
      })
      if ('path' in at) this.#socket = await fileAt(at.path)
      return port
    } catch (error) {
      await worker.terminate()
      throw error
    }
  }

  /** The thread has ended by itself: it is started again, at the same port. */
  #ended(at: DashboardData['at'], failure: TroupeError): void {
    if (this.#isStopped) return
    this.#app.onError(failure)
    this.#restart = startTimer(() => {
      this.#open(at).catch((error: unknown) => {
        this.#ended(at, asTroupeError(error))
      })
    }, restartDelay).unref()
  }

  /** Writes where it is. */
  async #publish(port: number): Promise<void> {
    const { at, tls, tokens } = this.#data
    prepareFolder(dirname(this.#file))
    const host = this.#app.settings.addr.replace(/:\d+$/, '')
    const url = 'path' in at ? `unix:${at.path}` : `${tls === undefined ? 'http' : 'https'}://${host}:${port}/`
    const place: DashboardPlace = { url, ...tokens }
    await rm(this.#file, { force: true })
    try {
      await writeFile(this.#file, JSON.stringify(place), { mode: 0o600, flag: 'wx' })
    } catch (error) {
      // On a full disk it may be there, and empty.
      await rm(this.#file, { force: true }).catch(() => undefined)
      throw error
    }
  }

  #handle(message: Exclude<FromDashboard, { readonly type: 'listening' | 'failed' | 'trouble' }>): void {
    switch (message.type) {
      case 'looking':
        this.#looking(message.pages)
        break
      case 'refused':
        this.#app.refusals.add(message.action)
        break
      case 'act':
        this.#reply(message.id, this.#app.act(message.action))
        break
      default:
        this.#reply(message.id, this.#app.read(message.path))
    }
  }

  /** Pages that come and go do not make it observe more often. */
  #looking(pages: number): void {
    if (pages === 0) {
      stopTimer(this.#timer)
      this.#timer = undefined
    }
    if (pages === 0 || this.#timer !== undefined) return
    if (performance.now() - this.#looked >= pace) this.#look()
    this.#timer = startInterval(() => {
      this.#look()
    }, pace).unref()
  }

  #look(): void {
    const { history, services, observe, threads, onError } = this.#app
    this.#looked = performance.now()
    const lines = history.lines.after(this.#posted.line)
    const changes = history.changes.after(this.#posted.change)
    this.#posted = {
      line: lines.at(-1)?.number ?? this.#posted.line,
      change: changes.at(-1)?.number ?? this.#posted.change,
    }
    this.#post({ type: 'tick', services: services(), changes, lines })
    if (this.#isObserving) return
    this.#isObserving = true
    observe({ processes: this.#limit.of(threads()), connections })
      .then((observation) => {
        this.#limit.observed(observation.processes.rows)
        this.#post({ type: 'observed', observation })
      })
      .catch((error: unknown) => {
        onError(asTroupeError(error))
      })
      .finally(() => {
        this.#isObserving = false
      })
  }

  #reply(id: number, work: Promise<unknown>): void {
    work.then(
      (body) => {
        this.#post({ type: 'reply', id, status: 200, body })
      },
      (cause: unknown) => {
        const { kind, message } = asTroupeError(cause)
        const body = { error: this.#app.shown(message) }
        this.#post({ type: 'reply', id, status: kind === 'NotFound' ? 404 : 400, body })
      },
    )
  }

  #post(message: ToDashboard): void {
    this.#worker?.postMessage(message)
  }
}
