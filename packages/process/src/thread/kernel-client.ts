/** Requests to the kernel over the thread's port, with their results. */
import { Deque, type EntryId, errorFromWire, type Pid, TroupeError, type WireError } from '@troupe/core'
import type { RequestName, Requests } from '../protocol/requests.ts'
import type { ToKernel, ToThread } from '../protocol/kernel-thread.ts'
import { hand, type KernelPort, LocalPort } from '../channel/local-port.ts'
import { lookLater } from './builtins.ts'
import { weightOf } from '../protocol/foreign-handles.ts'
import { RequestBudget } from '../shared-memory/credit.ts'
import { KernelSendWindow } from './kernel-send-window.ts'
import { mostWaiting, overrun } from './overrun.ts'

interface Question {
  readonly type: 'request'
  readonly number: number
  readonly by: Pid
  readonly name: RequestName
  readonly ask: unknown
}

/** A request that waits until the kernel has replied to earlier ones. */
interface Held {
  readonly question: Question
  readonly weight: number
}

interface Pending {
  /** A method, so that it accepts the result of any request. The number identifies the request. */
  resolve(value: unknown): void
  readonly reject: (error: TroupeError) => void
}

/** A pending request: the result, and its number, by which it can be cancelled. */
export interface Asked<Name extends RequestName> {
  readonly number: number
  readonly answer: Promise<Requests[Name]['answer']>
}

export class KernelClient {
  readonly #port: KernelPort<ToThread>
  readonly #sendWindow: KernelSendWindow | undefined
  readonly #onAsk: (by: Pid) => void
  readonly #onOverrun: (by: Pid, error: TroupeError) => void
  readonly #pending = new Map<number, Pending>()
  readonly #budget = new RequestBudget()
  readonly #held = new Deque<Held>()
  /** Bytes of the held requests. */
  #heldWeight = 0
  #next = 1
  #closed = false

  /**
   * @param onAsk - Called before a request is sent on behalf of a process or call.
   * @param onOverrun - Called when a process or call requests more than the kernel takes, and does not wait.
   * @param credit - Limits the messages in flight; `undefined` for no limit.
   */
  constructor(
    port: KernelPort<ToThread>,
    onMessage: (message: ToThread) => void,
    onAsk: (by: Pid) => void,
    onOverrun: (by: Pid, error: TroupeError) => void,
    credit?: SharedArrayBuffer,
  ) {
    this.#port = port
    this.#sendWindow = credit && new KernelSendWindow(port, credit)
    this.#onAsk = onAsk
    this.#onOverrun = onOverrun
    port.on('message', (message: ToThread) => {
      lookLater()
      if (!this.#settle(message)) onMessage(message)
    })
    port.on('close', () => {
      this.#rejectAll()
    })
  }

  /** Sends a request on behalf of `by`. */
  request<Name extends RequestName>(
    name: Name,
    ask: Requests[Name]['ask'],
    by: Pid,
  ): Promise<Requests[Name]['answer']> {
    return this.ask(name, ask, by).answer
  }

  /** @param owned - The request data is not used again by the caller. */
  ask<Name extends RequestName>(name: Name, ask: Requests[Name]['ask'], by: Pid, owned = false): Asked<Name> {
    this.#onAsk(by)
    const number = this.#next
    this.#next += 1
    if (this.#closed) return { number, answer: Promise.reject(stopped()) }
    const answer = new Promise<Requests[Name]['answer']>((resolve, reject) => {
      this.#pending.set(number, { resolve, reject })
    })
    const question: Question = { type: 'request', number, by, name, ask }
    // The kernel's own thread shares its memory, and its fate.
    if (this.#port instanceof LocalPort) this.#post(question, owned)
    else this.#postWithin(question, owned)
    return { number, answer }
  }

  #postWithin(question: Question, owned: boolean): void {
    const { number, by, ask } = question
    const weight = weightOf(ask)
    const waiting = this.#heldWeight + (this.#sendWindow?.backlog ?? 0)
    if (waiting > 0 && waiting + weight > mostWaiting) {
      const error = overrun(waiting, 'the kernel')
      this.#reject(number, error)
      this.#onOverrun(by, error)
      return
    }
    if (this.#budget.take(number, weight)) this.#post(question, false, weight)
    else this.#hold(question, weight, owned)
  }

  #hold(question: Question, weight: number, owned: boolean): void {
    try {
      // Copied now, where the caller may change it afterwards.
      this.#held.push({ question: owned ? question : structuredClone(question), weight })
      this.#heldWeight += weight
    } catch (cause) {
      this.#reject(question.number, unclonable(question.name, cause))
    }
  }

  /** Drops a request of this thread, if it was not posted yet. Returns whether it was. */
  withdraw(number: number): boolean {
    const withdrawn = this.#held.take(({ question }) => question.number === number)
    if (withdrawn === undefined) return false
    this.#heldWeight -= withdrawn.weight
    this.#reject(number, new TroupeError('Canceled', 'it was cancelled before it began'))
    return true
  }

  /** The kernel has replied: requests that were held may follow. */
  #replied(number: number): void {
    if (!this.#budget.give(number)) return
    for (let next = this.#held.first; next !== undefined; next = this.#held.first) {
      if (!this.#budget.take(next.question.number, next.weight)) return
      this.#held.shift()
      this.#heldWeight -= next.weight
      this.#post(next.question, true, next.weight)
    }
  }

  #reject(number: number, error: TroupeError): void {
    this.#pending.get(number)?.reject(error)
    this.#pending.delete(number)
  }

  /** @param weight - The approximate bytes of its data, where they are known. */
  #post(question: Question, owned: boolean, weight?: number): void {
    try {
      if (this.#sendWindow !== undefined) this.#sendWindow.post(question, weight)
      else if (owned) hand(this.#port, question)
      else this.#port.postMessage(question)
    } catch (cause) {
      this.#reject(question.number, unclonable(question.name, cause))
      this.#replied(question.number)
    }
  }

  /** Sends a message without a reply. */
  notify(message: ToKernel): void {
    if (this.#sendWindow === undefined) this.#port.postMessage(message)
    else this.#sendWindow.post(message)
  }

  /** Settles when everything sent so far is posted to the kernel; returns `undefined` when it already is. */
  posted(): Promise<void> | undefined {
    return this.#sendWindow?.posted()
  }

  /** Reports the failure of a process or call, which the kernel logs. @param late It had ended before. */
  failed(pid: Pid, entry: EntryId | undefined, error: WireError, late = false): void {
    this.notify({ type: 'failed', pid, entry, error, late })
  }

  /** Whether the port keeps the thread alive. */
  hold(held: boolean): void {
    if (held) this.#port.ref()
    else this.#port.unref()
  }

  close(): void {
    this.#sendWindow?.close()
    this.#port.close()
    this.#rejectAll()
  }

  /** Handles messages that belong to the connection itself. */
  #settle(message: ToThread): boolean {
    if (message.type === 'ping') {
      this.notify({ type: 'pong' })
      return true
    }
    if (message.type !== 'answer' && message.type !== 'refusal') return false
    const pending = this.#pending.get(message.number)
    this.#pending.delete(message.number)
    this.#replied(message.number)
    if (message.type === 'answer') pending?.resolve(message.value)
    else pending?.reject(errorFromWire(message.error))
    return true
  }

  #rejectAll(): void {
    this.#closed = true
    const error = stopped()
    for (const pending of this.#pending.values()) pending.reject(error)
    this.#pending.clear()
  }
}

function unclonable(name: RequestName, cause: unknown): TroupeError {
  return new TroupeError('Invalid', `an argument of ${name} cannot be cloned: ${String(cause)}`, { cause })
}

function stopped(): TroupeError {
  return new TroupeError('Unavailable', 'the application has stopped', { retryable: false })
}
