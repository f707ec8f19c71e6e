/** An application that a program started with `start`. */
import { type Application, boot } from '../app.ts'
import { isName } from '@troupe/core'
import type { LeastLevel } from '../log/levels.ts'
import type { Observation, ObserveOptions } from '../observe/observation.ts'
import { type ModuleFunctions, moduleFunctions, type ModuleOptions } from './module-functions.ts'
import { isReserved, programId, programNamespace } from './names.ts'
import { type OwnEntries, ownEntriesOf } from './own-entries.ts'
import type { ProcessHandle } from './process-handle.ts'
import { ServiceHandle } from './service-handle.ts'
import { type SpawnOptions, Spawns } from './spawn.ts'
import type { AnyMessages } from '@troupe/core'
import { startEntries } from './start-entries.ts'
import type { StartOptions } from './start-options.ts'

/** A running application, for the program that started it. */
export class App implements AsyncDisposable {
  /** The same application, with everything that `troupe/app` offers. */
  readonly application: Application
  readonly #entries: OwnEntries
  readonly #spawns: Spawns

  /** Use {@link startApplication}. */
  constructor(application: Application) {
    this.application = application
    this.#entries = ownEntriesOf(application)
    this.#spawns = new Spawns(this.#entries)
  }

  /**
   * Returns the exported functions of a module as async functions, which run on a pool of threads: one call at a time
   * in each. The module loads in those threads, at the first call, and not here. Disposing of the result ends the pool.
   *
   * @example
   * ```ts
   * const images = app.functions<typeof import('./images.ts')>(new URL('./images.ts', import.meta.url), { max: 4 })
   * await images.resize('cat.png', 640)
   * ```
   *
   * @typeParam Module - `typeof import('./images.ts')`, for the types of the functions.
   * @throws TroupeError `Invalid` for anything but the URL of a file. The functions throw what they throw, and
   *   TroupeError like `funcs.call`; `Invalid` with its name for an export that is no function.
   */
  functions<Module = Readonly<Record<string, (...args: readonly unknown[]) => unknown>>>(
    module: URL | string,
    options?: ModuleOptions,
  ): ModuleFunctions<Module> {
    return moduleFunctions<Module>(this.#entries, module, options)
  }

  /**
   * Starts a process: the function `main` that a module exports, or another `method`.
   *
   * @example
   * ```ts
   * await using crawler = await app.spawn(new URL('./crawler.ts', import.meta.url), 'https://example.org/')
   * crawler.on('exit', (exit) => console.log(exit))
   * await crawler.call('status')
   * ```
   *
   * The type of its messages makes the handle know their topics, payloads and replies:
   *
   * @example
   * ```ts
   * import type { Messages } from './crawler.ts' // export type Messages = { status: { reply: number } }
   * const crawler = await app.spawn<Messages>(new URL('./crawler.ts', import.meta.url))
   * const visited = await crawler.call('status') // number
   * ```
   *
   * @throws TroupeError `Invalid` for anything but the URL of a file; like `processes.spawn`.
   */
  async spawn<Messages extends object = AnyMessages>(
    program: URL | SpawnOptions<Messages>,
    ...args: readonly unknown[]
  ): Promise<ProcessHandle<Messages>> {
    return this.#spawns.spawn(program, args)
  }

  /**
   * Returns a handle of a service, host or network.
   *
   * @example
   * ```ts
   * await app.service('crawler').restart()
   * ```
   *
   * @param name - Its name, or its id.
   * @throws TroupeError `Invalid` for a text that is no name; `NotFound`.
   */
  service(name: string): ServiceHandle {
    const id = programId(name, 'service')
    this.application.service(id)
    return new ServiceHandle(this.application, id)
  }

  /**
   * Changes which lines the log writes, until the configuration changes.
   *
   * @example
   * ```ts
   * app.setLogLevel('debug', 'crawler')
   * ```
   *
   * @param level - The lowest level that is written; `undefined` for that of the configuration.
   * @param name - The name or id of the function, service, host or network whose lines it applies to. @default all that
   *   have no level of their own
   * @throws TroupeError `NotFound`; `Invalid` for a text that is no name.
   */
  setLogLevel(level: LeastLevel | undefined, name?: string): void {
    this.application.setLogLevel(level, name === undefined ? undefined : programId(name, 'service'))
  }

  /**
   * Runs `fn` as the program around this application: `processes`, `funcs`, `http` and `registry` mean this application
   * in it, and in all that it starts and awaits. Needed where several applications run in one program.
   *
   * @example
   * ```ts
   * await app.run(() => funcs.call('app:resize', 'cat.png'))
   * ```
   */
  run<T>(fn: () => T): T {
    return this.application.run(fn)
  }

  /**
   * Returns what the application does now: its threads, processes, connections, networks and pools.
   *
   * @example
   * ```ts
   * const { overlays } = await app.observe()
   * console.log(overlays.map(({ overlay, state }) => `${overlay} ${state ?? ''}`))
   * ```
   */
  async observe(options?: ObserveOptions): Promise<Observation> {
    return this.application.observe(options)
  }

  /**
   * Stops services, dependents first, and then all threads.
   *
   * @example
   * ```ts
   * process.once('SIGTERM', () => void app.stop())
   * ```
   */
  async stop(): Promise<void> {
    await this.application.stop()
    this.#spawns.stopped()
  }

  /** Stops the application, like {@link App.stop}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}

/** Throws like `start`. */
export async function startApplication(options: StartOptions): Promise<App> {
  const { entries, variables } = startEntries(options)
  const { root = '.', config = {}, network, ambient, onLog } = options
  const application = await boot({
    root,
    entries,
    variables,
    sections: withDefault(config),
    ...(network !== undefined && { network: network === null ? null : programId(network, 'network') }),
    ...(ambient !== undefined && { ambient }),
    ...(onLog && { onLog }),
  })
  await forgetEarlierRun(application)
  return new App(application)
}

/** An earlier run that ended at once may have left entries in a history on disk. */
async function forgetEarlierRun({ registry }: Application): Promise<void> {
  const left = registry.entries().filter(({ id, kind }) => isReserved(id) && !fixed.has(kind))
  if (left.length > 0) await registry.apply(left.map(({ id }) => ({ op: 'delete', entry: { id } })))
}

/** Kinds of the reserved entries that an application has from its start. */
const fixed: ReadonlySet<string> = new Set(['process.host', 'env.storage.memory', 'env.variable'])

/** The default network may be named like everything else that `start` names. */
function withDefault(config: NonNullable<StartOptions['config']>): Readonly<Record<string, unknown>> {
  const name = config.network_service?.default_network
  if (typeof name !== 'string' || !isName(name)) return { ...config }
  return { ...config, network_service: { ...config.network_service, default_network: `${programNamespace}:${name}` } }
}
