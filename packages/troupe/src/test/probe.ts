/**
 * A process that a test controls: other processes send to it, monitor it and link to it, and the test takes what
 * arrives.
 */
import { randomInt } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import { type EntryId, fork, type Pid } from '@troupe/core'
import { type Message, type ProcessEvent, processes, type ReceiveOptions, self } from '@troupe/process'
import type { Kernel } from '@troupe/process/kernel'
import { asProgram } from './as-program.ts'
import { EventLog, type EventOf } from './event-log.ts'
import { type ProbeChannel, probeChannelOf } from './probe-channel.ts'
import { acceptedBy, milliseconds, patience, type ProbeOptions } from './probe-options.ts'

/** Numbers of probes are drawn at random: copies of this module know nothing of one another. */
const mostNumber = 2 ** 47

/** Made by `app.probe()`. It ends with `await using`, with {@link end}, or with its application. */
export class Probe implements AsyncDisposable {
  /** The pid of the probe. */
  readonly pid: Pid
  /** All events so far, in order: EXIT, LINK_DOWN, CANCEL, OUTDATED. */
  readonly events: readonly ProcessEvent[]
  readonly #opening: ProbeChannel
  readonly #kernel: Kernel
  readonly #events = new EventLog()
  #ended = false

  /** @internal Use `app.probe()`. */
  constructor(pid: Pid, opening: ProbeChannel, kernel: Kernel) {
    this.pid = pid
    this.#kernel = kernel
    this.events = this.#events.all
    this.#opening = opening
    void this.#collect()
  }

  /**
   * Runs `fn` as this process: `self` is the probe, and everything that `fn` spawns, sends, monitors or links belongs
   * to the probe.
   *
   * @example
   * ```ts
   * const probe = await app.probe()
   * await probe.run(() => processes.monitor('app:counter'))
   * ```
   */
  run<T>(fn: () => T): T {
    return this.#opening.inside(fn)
  }

  /**
   * Takes the next message, or the next of a topic; other messages stay in the mailbox.
   *
   * @example
   * ```ts
   * const probe = await app.probe({ name: 'mailer' })
   * const { topic, payload } = await probe.next({ topic: 'mail' })
   * ```
   *
   * @param options `timeout` is real time. @default 5s
   * @throws TroupeError `Timeout` when none arrived in time, `Canceled` when the probe was cancelled.
   */
  async next(options: ReceiveOptions = {}): Promise<Message> {
    return this.run(async () => self.receive({ timeout: patience, ...options }))
  }

  /**
   * Takes the next event of a type, even if it has already arrived.
   *
   * @example
   * ```ts
   * const probe = await app.probe()
   * const counter = await probe.spawn('app:counter', 'app:threads')
   * await probe.run(() => processes.terminate(counter))
   * const { result } = await probe.event('EXIT')
   * ```
   *
   * @param options `timeout` is real time. @default 5s
   * @throws TroupeError `Timeout`
   */
  async event<Type extends ProcessEvent['type']>(
    type: Type,
    options: Pick<ReceiveOptions, 'timeout'> = {},
  ): Promise<EventOf<Type>> {
    return this.#events.next(type, milliseconds(options.timeout ?? patience), this.pid)
  }

  /**
   * Spawns a process that the probe monitors: the probe receives an EXIT event when it ends.
   *
   * @example
   * ```ts
   * const probe = await app.probe()
   * await probe.spawn('app:counter', 'app:threads')
   * ```
   */
  async spawn(id: string, host: string, ...args: unknown[]): Promise<Pid> {
    return this.run(async () => processes.spawnMonitored(id, host, ...args))
  }

  /**
   * Sends a message as the probe.
   *
   * @example
   * ```ts
   * const probe = await app.probe()
   * await probe.send('app:counter', 'visit')
   * ```
   *
   * @throws TroupeError as `processes.send` does.
   */
  async send(to: string, topic: string, payload?: unknown): Promise<void> {
    await this.run(async () => processes.send(to, topic, payload))
  }

  /**
   * Sends a message as the probe and waits for the reply.
   *
   * @example
   * ```ts
   * const probe = await app.probe()
   * const visits = await probe.call('app:counter', 'visit')
   * ```
   *
   * @throws TroupeError as `processes.call` does.
   */
  async call(to: string, topic: string, payload?: unknown): Promise<unknown> {
    return this.run(async () => processes.call(to, topic, payload))
  }

  /**
   * Makes the probe return a value. Settles when all processes that monitor or link it are notified.
   *
   * @example
   * ```ts
   * const probe = await app.probe()
   * await probe.end()
   * ```
   */
  async end(value?: unknown): Promise<void> {
    if (this.#ended) return
    const ended = asProgram(this.#kernel, async () => processes.exited(this.pid))
    // Processes that have just begun to monitor it must see it end.
    await turn()
    this.#opening.end(value)
    await ended
  }

  /** Ends the probe, like {@link Probe.end}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.end()
  }

  async #collect(): Promise<void> {
    for await (const event of this.run(() => self.events)) {
      this.#events.add(event)
    }
    this.#ended = true
  }
}

/**
 * Starts a probe of the program `entry` in the main thread's host: in the network of the test's program, whatever the
 * default is.
 */
export async function openProbe(kernel: Kernel, entry: EntryId, host: EntryId, options: ProbeOptions): Promise<Probe> {
  const number = randomInt(mostNumber)
  const opening = probeChannelOf(number)
  const { thread, frames, processes } = kernel
  const { overlay } = processes.claimant(kernel.runtime.root.pid, thread.number).frame
  const frame = fork(frames.empty, { overlay })
  const { network } = thread
  const { name, accepts = 'any' } = options
  const pid = kernel.spawn({
    entry,
    host,
    args: [number],
    frame,
    accepts: acceptedBy(accepts),
    ...(network && { network }),
    ...(name !== undefined && { name }),
  })
  return new Probe(pid, await opening, kernel)
}
