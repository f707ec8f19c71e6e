/** A process in a test's hands: others send to it, monitor it and link to it, and the test takes what comes. */
import { setImmediate as turn } from 'node:timers/promises'
import { type EntryId, entryId, fork, parseDuration, type Pid, startTimer, stopTimer, TroupeError } from '@troupe/core'
import { type Message, type ProcessEvent, processes, type ReceiveOptions, self } from '@troupe/process'
import type { Kernel } from '@troupe/process/kernel'
import { type Opening, openingOf } from './openings.ts'

export interface ProbeOptions {
  /** Name that others find it by. */
  readonly name?: string
  /** Overlays from which it takes messages, beside those of its own network. @default `any` */
  readonly accepts?: 'any' | readonly string[]
}

/** What a probe waits for by default, in milliseconds of real time. */
const patience = 5_000

let lastNumber = 0

/** Made by `app.probe()`. It ends with `await using`, with {@link end}, or with its application. */
export class Probe implements AsyncDisposable {
  readonly pid: Pid
  /** All events so far, in order: EXIT, LINK_DOWN, CANCEL, OUTDATED. */
  readonly events: readonly ProcessEvent[]
  readonly #opening: Opening
  readonly #events: ProcessEvent[] = []
  /** Events that {@link event} has answered. */
  readonly #taken = new Set<ProcessEvent>()
  readonly #waiting = new Set<() => void>()
  #ended = false

  /** Use {@link openProbe}. */
  constructor(pid: Pid, opening: Opening) {
    this.pid = pid
    this.events = this.#events
    this.#opening = opening
    void this.#collect()
  }

  /** Runs `fn` as this process: `self` is the probe, and what it spawns, sends, monitors or links is the probe's. */
  run<T>(fn: () => T): T {
    return this.#opening.inside(fn)
  }

  /**
   * Takes the next message, or the next of a topic; others wait.
   *
   * @param options `timeout` is real time. @default 5s
   * @throws TroupeError `Timeout` when none came in time, `Canceled` when the probe was cancelled.
   */
  async next(options: ReceiveOptions = {}): Promise<Message> {
    return this.run(async () => self.receive({ timeout: patience, ...options }))
  }

  /**
   * Takes the next event of a type, be it that it has come already.
   *
   * @param options `timeout` is real time. @default 5s
   * @throws TroupeError `Timeout`
   */
  async event<Type extends ProcessEvent['type']>(type: Type, options: Pick<ReceiveOptions, 'timeout'> = {}): Promise<EventOf<Type>> {
    const timeout = typeof options.timeout === 'string' ? parseDuration(options.timeout) : (options.timeout ?? patience)
    const { promise: late, reject } = Promise.withResolvers<never>()
    const timer = startTimer(() => {
      reject(new TroupeError('Timeout', `no ${type} came to probe ${this.pid} in ${timeout} ms; it has ${this.#summary()}`))
    }, timeout)
    try {
      for (;;) {
        const found = this.#events.find((event): event is EventOf<Type> => event.type === type && !this.#taken.has(event))
        if (found !== undefined) {
          this.#taken.add(found)
          return found
        }
        await Promise.race([this.#another(), late])
      }
    } finally {
      stopTimer(timer)
    }
  }

  /** Spawns a process that it monitors: its end comes as an EXIT. */
  async spawn(id: string, host: string, ...args: unknown[]): Promise<Pid> {
    return this.run(async () => processes.spawnMonitored(id, host, ...args))
  }

  /** Lets it return, with a value. Settles when all who watch it are told. */
  async end(value?: unknown): Promise<void> {
    if (this.#ended) return
    const ended = processes.exited(this.pid)
    // Those who have just begun to watch it are to see it end.
    await turn()
    this.#opening.end(value)
    await ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end()
  }

  async #collect(): Promise<void> {
    for await (const event of this.run(() => self.events)) {
      this.#events.push(event)
      for (const resume of this.#waiting) resume()
      this.#waiting.clear()
    }
    this.#ended = true
  }

  #another(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.add(resolve)
    })
  }

  #summary(): string {
    return this.#events.length === 0 ? 'no events' : this.#events.map((event) => event.type).join(', ')
  }
}

type EventOf<Type extends ProcessEvent['type']> = Extract<ProcessEvent, { readonly type: Type }>

/** Starts a probe of the program `entry` in the main thread's host: in the network of the test's program, whatever the default is. */
export async function openProbe(kernel: Kernel, entry: EntryId, host: EntryId, options: ProbeOptions): Promise<Probe> {
  lastNumber += 1
  const opening = openingOf(lastNumber)
  const { thread, frames, processes } = kernel
  const { overlay } = processes.claimant(kernel.runtime.root.pid, thread.number).frame
  const frame = fork(frames.empty, { overlay })
  const { network } = thread
  const { name, accepts = 'any' } = options
  const pid = kernel.spawn({
    entry,
    host,
    args: [lastNumber],
    frame,
    accepts: accepts === 'any' ? accepts : accepts.map((id) => entryId(id)),
    ...(network && { network }),
    ...(name !== undefined && { name }),
  })
  return new Probe(pid, await opening)
}
