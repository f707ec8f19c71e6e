/** Starts an application in a test. */
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type EntryId, entryId } from '@troupe/core'
import { type DeadLetter, AttachedHost, type HostSettings, serviceChannel } from '@troupe/process/kernel'
import type { ServerAddress } from '@troupe/http/kernel'
import type { EntryInput } from '@troupe/registry'
import { type Application, launch, load, type LoadOptions, type ServiceState, type ServiceStatus } from '../app.ts'
import { TestClock } from './clock.ts'
import { type NetworkProbe, openNetworkProbe } from './network-probe.ts'
import type { NetworkProbeOptions, ProbeOptions } from './probe-options.ts'
import { openProbe, type Probe } from './probe.ts'

/** Options of {@link startApp}. */
export interface StartAppOptions extends Omit<LoadOptions, 'root'> {
  /**
   * The application's folder, or the folder to which the files of `entries` are relative.
   *
   * @default the current folder
   */
  readonly root?: string
  /** The network of the test's own program. @default the clear network */
  readonly network?: string | null
  /** The date at which the test begins. @default the system's */
  readonly date?: Date | string
  /** Receives log lines, in addition to {@link TestApp.log}. @default none */
  readonly onLog?: (line: string) => void
}

const mainHost = entryId('troupe:main')
const probeEntry = entryId('troupe:probe')
/** The host of probes with a network, and the program that they run. */
const networkHost = entryId('troupe:probes')
const networkEntry = entryId('troupe:network_probe')
const hostSettings: HostSettings = { isolation: 'thread', spares: 0, queueSize: 1024 }

const extension = extname(import.meta.filename)
const probeProgram = new URL(`./probe-program${extension}`, import.meta.url)
const networkProgram = new URL(`./network-probe-program${extension}`, import.meta.url)

const programEntry = (id: EntryId, program: URL): EntryInput => ({
  id,
  kind: 'process.ts',
  fields: { source: `file://${fileURLToPath(program)}` },
})

/** An application under test, in this program. Its supervision uses {@link clock}; everything else uses real time. */
export class TestApp implements AsyncDisposable {
  /** The application, with everything that `troupe/app` offers. */
  readonly app: Application
  /** The clock of its supervision. It does not run until a test advances it. */
  readonly clock: TestClock
  /** The log lines so far. */
  readonly log: readonly string[]

  /** @internal Use {@link startApp}. */
  constructor(app: Application, clock: TestClock, log: readonly string[]) {
    this.app = app
    this.clock = clock
    this.log = log
  }

  /**
   * Starts a process that the test controls. With a `network`, it lives in a thread of that network.
   *
   * @example
   * ```ts
   * const probe = await app.probe()
   * await probe.send('app:counter', 'visit')
   * ```
   *
   * @throws TroupeError `NotFound` for an overlay that does not exist.
   */
  probe(options?: ProbeOptions & { readonly network?: undefined }): Promise<Probe>
  probe(options: NetworkProbeOptions): Promise<NetworkProbe>
  async probe(
    options: ProbeOptions & { readonly network?: string | null | undefined } = {},
  ): Promise<Probe | NetworkProbe> {
    const { kernel } = this.app
    const { network } = options
    if (network === undefined) return openProbe(kernel, probeEntry, mainHost, options)
    if (!kernel.hosts.has(networkHost)) kernel.hosts.add(kernel.hosts.create(networkHost, hostSettings))
    return openNetworkProbe(kernel, networkEntry, networkHost, options, network === null ? null : entryId(network))
  }

  /**
   * Returns the current state of a service.
   *
   * @example
   * ```ts
   * console.log(app.service('app:counter').state)
   * ```
   *
   * @throws TroupeError `NotFound`
   */
  service(id: string): ServiceStatus {
    return this.app.service(entryId(id))
  }

  /**
   * Returns the address of a running `http.service`.
   *
   * @example
   * ```ts
   * const { port } = app.address('app:web')
   * await fetch(`http://127.0.0.1:${port}/`)
   * ```
   *
   * @throws TroupeError `NotFound`
   */
  address(id: string): ServerAddress {
    return this.app.address(entryId(id))
  }

  /**
   * Settles when a service reaches that state: at once, if it already has it.
   *
   * @example
   * ```ts
   * await app.until('app:counter', 'Running')
   * ```
   */
  async until(id: string, state: ServiceState): Promise<void> {
    if (this.service(id).state === state) return
    await new Promise<void>((resolve) => {
      const onChange = () => {
        if (this.service(id).state !== state) return
        serviceChannel.unsubscribe(onChange)
        resolve()
      }
      serviceChannel.subscribe(onChange)
    })
  }

  /** Messages that no process took. */
  get deadLetters(): readonly DeadLetter[] {
    return this.app.kernel.deadLetters.recent
  }

  /**
   * Runs `fn` as the program around the application: `processes`, `funcs`, `http` and `registry` mean this one in it.
   * Needed where several applications run.
   *
   * @example
   * ```ts
   * await app.run(() => funcs.call('app:resize', 'cat.png'))
   * ```
   */
  run<T>(fn: () => T): T {
    return this.app.run(fn)
  }

  /**
   * Stops the application normally, by real time.
   *
   * @example
   * ```ts
   * const app = await startApp({ root: 'examples/netdemo' })
   * await app.stop()
   * ```
   */
  async stop(): Promise<void> {
    this.clock.release()
    await this.app.stop()
  }

  /** Stops the application, like {@link TestApp.stop}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}

/**
 * Starts an application, from its folder or from entries alone.
 *
 * @example
 * ```ts
 * import { expect } from 'vitest'
 *
 * await using app = await startApp({ root: 'examples/netdemo' })
 * await using probe = await app.probe()
 * await probe.spawn('app:greeter', 'app:processes', probe.pid)
 * expect((await probe.next({ topic: 'hello' })).payload).toBe('world')
 * ```
 *
 * @throws TroupeError `Invalid` with all that is wrong in its entries; `AlreadyExists` when another application runs in
 *   this program, and the program in an overlay of it.
 */
export async function startApp({
  root = '.',
  onLog,
  network = null,
  date,
  ...options
}: StartAppOptions = {}): Promise<TestApp> {
  const loaded = await load({ ...options, root })
  loaded.registry.add(programEntry(probeEntry, probeProgram), programEntry(networkEntry, networkProgram))
  const clock = new TestClock(date)
  const log: string[] = []
  const app = await launch(loaded, {
    clock,
    network,
    onLog: (line) => {
      log.push(line)
      onLog?.(line)
    },
  })
  // In the kernel's thread: here the test is the surrounding program.
  app.kernel.hosts.add(new AttachedHost({ id: mainHost, thread: app.kernel.thread, queueSize: 1024 }))
  return new TestApp(app, clock, log)
}
