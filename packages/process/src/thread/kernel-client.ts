/** Requests to the kernel over the thread's port, with their results. */
import { type EntryId, errorFromWire, type Pid, TroupeError, type WireError } from '@troupe/core'
import type { RequestName, Requests } from '../protocol/requests.ts'
import type { ToKernel, ToThread } from '../protocol/kernel-thread.ts'
import { hand, type KernelPort } from '../channel/local-port.ts'
import { lookLater } from './builtins.ts'
import { KernelSendWindow } from './kernel-send-window.ts'

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
  readonly #pending = new Map<number, Pending>()
  #next = 1
  #closed = false

  /**
   * @param onAsk - Called before a request is sent on behalf of a process or call.
   * @param credit - Limits the messages in flight; `undefined` for no limit.
   */
  constructor(port: KernelPort<ToThread>, onMessage: (message: ToThread) => void, onAsk: (by: Pid) => void, credit?: SharedArrayBuffer) {
    this.#port = port
    this.#sendWindow = credit && new KernelSendWindow(port, credit)
    this.#onAsk = onAsk
    port.on('message', (message: ToThread) => {
      lookLater()
      if (!this.#settle(message)) onMessage(message)
    })
    port.on('close', () => {
      this.#rejectAll()
    })
  }

  /** Sends a request on behalf of `by`. */
  request<Name extends RequestName>(name: Name, ask: Requests[Name]['ask'], by: Pid): Promise<Requests[Name]['answer']> {
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
    this.#post({ type: 'request', number, by, name, ask }, owned)
    return { number, answer }
  }

  #post(
    question: { readonly type: 'request'; readonly number: number; readonly by: Pid; readonly name: RequestName; readonly ask: unknown },
    owned: boolean,
  ): void {
    const { number, name } = question
    try {
      if (this.#sendWindow !== undefined) this.#sendWindow.post(question)
      else if (owned) hand(this.#port, question)
      else this.#port.postMessage(question)
    } catch (cause) {
      const error = new TroupeError('Invalid', `an argument of ${name} cannot be cloned: ${String(cause)}`, { cause })
      this.#pending.get(number)?.reject(error)
      this.#pending.delete(number)
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

  /** Reports the failure of a process or call that the kernel does not know. @param late It had ended before. */
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

function stopped(): TroupeError {
  return new TroupeError('Unavailable', 'the application has stopped', { retryable: false })
}
