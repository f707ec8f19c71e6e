/**
 * Messages that are sent at a later time, by the kernel: their senders may have ended by then. They wait in memory, and
 * durable ones in a file as well.
 */
import { randomUUID } from 'node:crypto'
import {
  asTroupeError,
  type Calendar,
  invalid,
  isPid,
  type Log,
  type LogLevel,
  type Pid,
  systemClock,
  TroupeError,
  unavailable,
  weighKept,
} from '@troupe/core'
import type { Kernel } from '../kernel/kernel.ts'
import { clearNetwork } from '../kernel/network/networks.ts'
import type { ProcessRecord } from '../kernel/process-table.ts'
import type { Requester } from '../kernel/request-handler.ts'
import { checkCrossing, checkEncodable } from '../protocol/network-crossing.ts'
import { kernelRequests } from '../protocol/request-rules.ts'
import type { LaterRequest } from '../protocol/requests.ts'
import type { Thread } from '../worker-threads/thread.ts'
import { attempts, DueTimer, retryDelay } from './due-timer.ts'
import type { LaterMessage } from './later-message.ts'
import { LaterStore, type StoredMessage } from './later-store.ts'

/** Number of messages of one owner that may wait, and their bytes. */
const mostPending = 10_000
const mostBytes = 64 << 20
/** Milliseconds after which the removal of messages from a file that could not be written is tried again. */
const removalRetry = 60_000

export interface LaterMessagesOptions {
  readonly kernel: Kernel
  readonly log: Log
  /** The file of durable messages and schedules. */
  readonly file: string
  /** @default the system's */
  readonly clock?: Calendar
}

interface Waiting {
  readonly message: () => LaterMessage
  /** The actor of code under policies, otherwise the sender. */
  readonly owner: string
  readonly sender: Pid
  readonly to: string
  readonly topic: string
  readonly bytes: number
  readonly isDurable: boolean
  timer: Disposable
}

export class LaterMessages implements Disposable {
  readonly #options: LaterMessagesOptions
  readonly #waiting = new Map<string, Waiting>()
  /** Number of waiting messages by owner. */
  readonly #held = new Map<string, { readonly count: number; readonly bytes: number }>()
  readonly store: LaterStore
  /** Those that were sent, and are in the file still. */
  readonly #unremoved = new Set<string>()
  #removal: Disposable | undefined
  #isClosed = false

  constructor(options: LaterMessagesOptions) {
    this.#options = options
    this.store = new LaterStore(options.file)
    const { kernel } = options
    kernel.handle('sendLater', kernelRequests.sendLater, async (ask, requester) => this.#add(ask, requester))
    kernel.handle('cancelLater', kernelRequests.cancelLater, ({ id }, requester) => this.#cancel(id, requester))
  }

  get #clock(): Calendar {
    return this.#options.clock ?? systemClock
  }

  /** Reads the durable messages of earlier runs. Those that are due are sent now. */
  async begin(): Promise<void> {
    const { log } = this.#options
    try {
      const { messages, unreadable } = await this.store.all()
      for (const message of messages) this.#restore(message)
      for (const { id, reason } of unreadable)
        log(`the durable message "${id}" cannot be read, and is not sent: ${reason}`, { level: 'warn' })
    } catch (error) {
      const { kind, message } = asTroupeError(error)
      // Another application has the file open, and sends them.
      const level = kind === 'Conflict' ? 'debug' : 'warn'
      log(`durable messages of earlier runs are not sent: ${message}`, { level })
    }
  }

  #restore({ id, owner, at, to, topic, payload, from, actor, scope, values, overlay, isProgram }: StoredMessage): void {
    const { kernel } = this.#options
    // A service sent it as it started.
    if (this.#waiting.has(id)) return
    const acting = kernel.frames.restored({ actor, scope, values, overlay })
    const trusted = isProgram ? (kernel.processes.get(kernel.runtime.root.pid)?.frame ?? acting) : acting
    const message = () => {
      const network = overlay === null ? clearNetwork : kernel.networks.ofProcess(acting)
      return { to, topic, payload, from, acting: trusted, frame: acting, network }
    }
    this.#wait(id, { message, owner, sender: from, to, topic, bytes: 0, isDurable: true }, { at })
  }

  async #add(ask: LaterRequest, { record, thread }: Requester): Promise<{ readonly id: string }> {
    const { kernel } = this.#options
    const { to, topic, payload, time, id = randomUUID(), durable, inherit } = ask
    kernel.authorizer.checkFrame('process', record, { choice: {}, inherit })
    await this.#checkReceiver(record, to)
    const { key, owner } = this.#placeOf(id, record, thread)
    checkCrossing(payload, 'payload')
    if (durable) {
      checkEncodable(payload, 'payload')
      await this.store.open()
    }
    // From here on nothing is awaited: requests that come together would all pass the checks.
    if (this.#waiting.has(key) || (durable && this.store.has(key)))
      throw new TroupeError('AlreadyExists', `a message with the id "${id}" waits already`, { details: { id } })
    if (this.#isClosed) throw unavailable('the application stops: nothing is sent later')
    // SQLite would keep all of them as the same text.
    if (!id.isWellFormed()) throw invalid('id: it is not well-formed Unicode', { path: 'id' })
    if (!Number.isFinite('in' in time ? time.in : time.at)) throw invalid('the time is not a number of milliseconds')
    const bytes = weighKept({ payload, topic, values: inherit.values }, mostBytes)
    const held = this.#held.get(owner) ?? { count: 0, bytes: 0 }
    if (held.count >= mostPending || held.bytes + bytes > mostBytes)
      throw new TroupeError(
        'RateLimited',
        `${owner} has ${held.count} messages that wait to be sent, and one more would exceed ${mostPending}, or 64 MiB`,
        { details: { pid: record.pid, count: held.count, bytes: held.bytes } },
      )
    const frame = kernel.frames.forCall(record.frame, record.frame.overlay, {}, inherit)
    const network = thread.network ?? clearNetwork
    const message: LaterMessage = { to, topic, payload, from: record.pid, acting: record.frame, frame, network }
    if (durable) {
      const at = 'at' in time ? time.at : this.#clock.date() + time.in
      const { actor, scope, values } = frame
      const isProgram = record.role === 'program'
      this.store.add({
        ...{ id: key, owner, at, to, topic, payload, from: record.pid },
        ...{ actor, scope, values, overlay: network.overlay, isProgram },
      })
    }
    this.#wait(key, { message: () => message, owner, sender: record.pid, to, topic, bytes, isDurable: durable }, time)
    return { id }
  }

  /** A pid must exist; a name may be registered later. Policies decide now, and again when the message is sent. */
  async #checkReceiver(record: ProcessRecord, to: string): Promise<void> {
    const { authorizer, discovery, processes } = this.#options.kernel
    const pid = isPid(to) ? to : processes.lookup(to)
    const named = pid === undefined || isPid(to) ? undefined : processes.get(pid)
    if (pid === undefined || (named !== undefined && !authorizer.finds(record, named))) {
      if (authorizer.governs(record)) authorizer.check(record, 'process.send', to)
      return
    }
    const target = await authorizer.target(record, 'process.send', pid, async (sought) => discovery.find(sought))
    authorizer.checkTarget(record, 'process.send', target)
  }

  #cancel(id: string, { record, thread }: Requester): boolean {
    const { key } = this.#placeOf(id, record, thread)
    const waiting = this.#waiting.get(key)
    if (waiting === undefined) return false
    // First, so that it still waits if the file cannot be written.
    if (waiting.isDurable) this.store.remove(key)
    return this.#remove(key)
  }

  /**
   * Under which key a message waits, and whose it is. Code under policies knows only the ids of its actor, and other
   * code in a sealed host only those of that host.
   */
  #placeOf(id: string, record: ProcessRecord, thread: Thread): { readonly key: string; readonly owner: string } {
    const { frame, host, pid } = record
    if (this.#options.kernel.authorizer.governs(record))
      return { key: JSON.stringify([frame.actor?.id, id]), owner: frame.actor?.id ?? pid }
    if (!thread.sealed) return { key: id, owner: pid }
    return { key: JSON.stringify(['sealed', host?.id, id]), owner: host?.id ?? pid }
  }

  #wait(id: string, about: Omit<Waiting, 'timer'>, time: LaterRequest['time']): void {
    const timer = new DueTimer(this.#clock, time, () => {
      void this.#send(id, about, 1)
    })
    this.#waiting.set(id, { ...about, timer })
    this.#hold(about.owner, 1, about.bytes)
  }

  #remove(id: string): boolean {
    const waiting = this.#waiting.get(id)
    if (waiting === undefined) return false
    waiting.timer[Symbol.dispose]()
    this.#waiting.delete(id)
    this.#hold(waiting.owner, -1, -waiting.bytes)
    return true
  }

  #hold(owner: string, more: number, moreBytes: number): void {
    const { count, bytes } = this.#held.get(owner) ?? { count: 0, bytes: 0 }
    if (count + more > 0) this.#held.set(owner, { count: count + more, bytes: bytes + moreBytes })
    else this.#held.delete(owner)
  }

  async #send(id: string, { message, isDurable }: Omit<Waiting, 'timer'>, attempt: number): Promise<void> {
    const waiting = this.#waiting.get(id)
    if (waiting === undefined) return
    try {
      await this.#options.kernel.deliveries.deliver(message())
    } catch (cause) {
      if (this.#isClosed) return
      const error = asTroupeError(cause)
      if (isDurable && attempt < attempts && error.kind !== 'PermissionDenied') {
        waiting.timer = new DueTimer(this.#clock, { in: retryDelay(attempt) }, () => {
          void this.#send(id, waiting, attempt + 1)
        })
        return
      }
      this.#lose(waiting, error)
    }
    this.#remove(id)
    if (isDurable && !this.#isClosed) this.#forget(id)
  }

  /** A message that stays in the file would be sent again by the next run. */
  #forget(id: string, level: LogLevel = 'error'): void {
    try {
      this.store.remove(id)
    } catch (error) {
      const reason = asTroupeError(error).message
      this.#options.log(`the durable message "${id}" was sent, and cannot be removed: ${reason}`, { level })
      this.#unremoved.add(id)
      this.#removal ??= new DueTimer(this.#clock, { in: removalRetry }, () => {
        this.#removeAgain()
      })
    }
  }

  #removeAgain(): void {
    this.#removal = undefined
    const ids = [...this.#unremoved]
    this.#unremoved.clear()
    for (const id of ids) this.#forget(id, 'debug')
  }

  #lose({ sender: from, to, topic }: Waiting, error: TroupeError): void {
    this.#options.kernel.deadLetters.add({ from, to, topic, reason: `it was to be sent later: ${error.message}` })
  }

  /** Nothing more is sent. Durable messages stay in their file. */
  [Symbol.dispose](): void {
    this.#isClosed = true
    this.#removal?.[Symbol.dispose]()
    this.#removeAgain()
    this.#removal?.[Symbol.dispose]()
    const lost = [...this.#waiting.values()].filter(({ isDurable }) => !isDurable).length
    for (const { timer } of this.#waiting.values()) timer[Symbol.dispose]()
    this.#waiting.clear()
    this.store[Symbol.dispose]()
    if (lost > 0) this.#options.log(`${lost} messages that were to be sent later are lost: the application stops`)
  }
}
