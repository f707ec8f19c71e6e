/**
 * A process that a test controls, in its own thread and in a network of the test's choice. The test controls it by
 * messages.
 */
import { asTroupeError, type EntryId, fork, type Frame, invalid, type Pid, TroupeError } from '@troupe/core'
import { type ProcessEvent, processes, type ReceiveOptions } from '@troupe/process'
import type { Kernel } from '@troupe/process/kernel'
import { asProgram } from './as-program.ts'
import type { EventOf } from './event-log.ts'
import { isOutcome, type Order, orderTopic, type Results, type TakenMessage } from './orders.ts'
import { acceptedBy, milliseconds, patience, type ProbeOptions } from './probe-options.ts'

/** Extra milliseconds in addition to a wait in the probe, for the messages in both directions. */
const way = 10_000

/** A message that a probe in another thread has taken. */
export interface ProbeMessage extends Omit<TakenMessage, 'number'> {
  /**
   * Replies to a message that was sent by `processes.call`.
   *
   * @example
   * ```ts
   * const probe = await app.probe({ network: 'app:proxy', name: 'mailer' })
   * const message = await probe.next({ topic: 'mail' })
   * await message.reply({ accepted: true })
   * ```
   */
  reply(payload?: unknown): Promise<void>
}

/**
 * Made by `app.probe({ network })`. It ends with `await using`, with {@link end}, when it is cancelled, or with its
 * application.
 */
export class NetworkProbe implements AsyncDisposable {
  /** The pid of the probe. */
  readonly pid: Pid
  readonly #kernel: Kernel
  #ended = false

  /** @internal Use `app.probe({ network })`. */
  constructor(pid: Pid, kernel: Kernel) {
    this.pid = pid
    this.#kernel = kernel
  }

  /**
   * Always throws: a closure belongs to the test's thread, and so to the test's network.
   *
   * @example
   * ```ts
   * const probe = await app.probe({ network: 'app:proxy' })
   * await probe.send('app:counter', 'visit') // in place of run(() => processes.send(…))
   * ```
   *
   * @throws TroupeError `Invalid`
   */
  run(_fn: () => unknown): never {
    throw invalid(
      `probe ${this.pid} runs in a thread of its own network, where a function ` +
        `of the test's thread cannot run: use spawn(), send() and call() ` +
        'of the probe, or a process entry for the code',
      { pid: this.pid },
    )
  }

  /**
   * Takes the next message, or the next of a topic; other messages stay in the mailbox.
   *
   * @example
   * ```ts
   * const probe = await app.probe({ network: 'app:proxy', name: 'mailer' })
   * const { payload } = await probe.next({ topic: 'mail' })
   * ```
   *
   * @param options `timeout` is real time. @default 5s
   * @throws TroupeError `Timeout` when none arrived in time, `Canceled` when the probe was cancelled.
   */
  async next({ topic, timeout = patience }: ReceiveOptions = {}): Promise<ProbeMessage> {
    const ms = milliseconds(timeout)
    const { number, ...message } = await this.#order({ do: 'next', topic, timeout: ms }, ms)
    return {
      ...message,
      reply: async (payload) => {
        await this.#order({ do: 'reply', number, payload })
      },
    }
  }

  /**
   * Takes the next event of a type, even if it has already arrived.
   *
   * @example
   * ```ts
   * const probe = await app.probe({ network: 'app:proxy' })
   * await probe.spawn('app:counter', 'app:threads')
   * const { result } = await probe.event('EXIT')
   * ```
   *
   * @param options `timeout` is real time. @default 5s
   * @throws TroupeError `Timeout`
   */
  async event<Type extends ProcessEvent['type']>(
    type: Type,
    { timeout = patience }: Pick<ReceiveOptions, 'timeout'> = {},
  ): Promise<EventOf<Type>> {
    const ms = milliseconds(timeout)
    const event = await this.#order({ do: 'event', type, timeout: ms }, ms)
    if (isOf(event, type)) return event
    throw new TroupeError('Internal', `probe ${this.pid} was asked for ${type} and returned ${event.type}`)
  }

  /**
   * Spawns a process that the probe monitors, in the probe's network unless the entry is pinned. The probe receives an
   * EXIT event when it ends.
   *
   * @example
   * ```ts
   * const probe = await app.probe({ network: 'app:proxy' })
   * const counter = await probe.spawn('app:counter', 'app:threads')
   * ```
   */
  async spawn(id: string, host: string, ...args: unknown[]): Promise<Pid> {
    return this.#order({ do: 'spawn', id, host, args })
  }

  /**
   * Sends a message from its network.
   *
   * @example
   * ```ts
   * const probe = await app.probe({ network: 'app:proxy' })
   * await probe.send('app:counter', 'visit')
   * ```
   *
   * @throws TroupeError as `processes.send` does.
   */
  async send(to: string, topic: string, payload?: unknown): Promise<void> {
    await this.#order({ do: 'send', to, topic, payload })
  }

  /**
   * Sends a message from its network and waits for the reply.
   *
   * @example
   * ```ts
   * const probe = await app.probe({ network: 'app:proxy' })
   * const visits = await probe.call('app:counter', 'visit')
   * ```
   *
   * @throws TroupeError as `processes.call` does.
   */
  async call(to: string, topic: string, payload?: unknown): Promise<unknown> {
    return this.#order({ do: 'call', to, topic, payload })
  }

  /**
   * Makes the probe return a value. Settles when all processes that monitor or link it are notified.
   *
   * @example
   * ```ts
   * const probe = await app.probe({ network: 'app:proxy' })
   * await probe.end('done')
   * ```
   */
  async end(value?: unknown): Promise<void> {
    if (this.#ended || this.#kernel.processes.get(this.pid) === undefined) return
    this.#ended = true
    const ended = asProgram(this.#kernel, async () => processes.exited(this.pid))
    await this.#order({ do: 'end', value }).catch((error: unknown) => {
      // The probe has already ended, for instance by a cancellation.
      if (asTroupeError(error).kind !== 'NotFound') throw error
    })
    await ended
  }

  /** Ends the probe, like {@link NetworkProbe.end}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.end()
  }

  async #order<Do extends Order['do']>(order: Extract<Order, { readonly do: Do }>, wait?: number): Promise<Results[Do]>
  async #order(order: Order, wait = 30_000): Promise<unknown> {
    const options = { timeout: wait + way }
    const outcome = await asProgram(this.#kernel, async () => processes.call(this.pid, orderTopic, order, options))
    if (!isOutcome(outcome))
      throw new TroupeError('Internal', `probe ${this.pid} replied to "${order.do}" with something else`)
    if ('error' in outcome) throw outcome.error
    return outcome.value
  }
}

function isOf<Type extends ProcessEvent['type']>(event: ProcessEvent, type: Type): event is EventOf<Type> {
  return event.type === type
}

/**
 * Starts a probe of the program `entry` in a thread of the network that `options` name.
 *
 * @throws TroupeError `NotFound` for an overlay that does not exist.
 */
export function openNetworkProbe(
  kernel: Kernel,
  entry: EntryId,
  host: EntryId,
  options: ProbeOptions,
  overlay: Frame['overlay'],
): NetworkProbe {
  const { name, accepts = [] } = options
  const pid = kernel.spawn({
    entry,
    host,
    args: [],
    frame: fork(kernel.frames.empty, { overlay }),
    accepts: acceptedBy(accepts),
    ...(name !== undefined && { name }),
  })
  return new NetworkProbe(pid, kernel)
}
