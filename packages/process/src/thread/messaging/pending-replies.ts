/** Calls by this thread's processes that wait for their replies. */
import { type Pid, startDeadline, stopTimer, threadOf, type Timer, TroupeError } from '@troupe/core'
import { isNodeDown, nodeDown } from '../../channel/node-down.ts'
import type { PendingSend } from '../process/pending-sends.ts'

interface PendingCall {
  readonly by: Pid
  readonly callee: Pid
  /** The message: it must not be sent once the call has ended. */
  readonly held: PendingSend
  readonly timer: Timer | undefined
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

/** A call in progress. */
export interface OpenCall {
  /** The number that identifies its reply. */
  readonly number: number
  readonly held: PendingSend
  readonly reply: Promise<unknown>
}

export class PendingReplies {
  readonly #calls = new Map<number, PendingCall>()
  #next = 1

  /** @param timeout Milliseconds; `undefined` to wait as long as the callee lives. */
  open(by: Pid, callee: Pid, topic: string, timeout: number | undefined): OpenCall {
    const number = this.#next
    this.#next += 1
    const { promise: reply, resolve, reject } = Promise.withResolvers<unknown>()
    const late = () => {
      this.reject(number, new TroupeError('Timeout', `${callee} did not reply to "${topic}" in ${timeout} ms`))
    }
    const timer = timeout === undefined ? undefined : startDeadline(late, timeout)
    const held = { to: callee, topic, withdrawn: false }
    this.#calls.set(number, { by, callee, held, timer, resolve, reject })
    return { number, held, reply }
  }

  /**
   * The reply arrived. It is dropped if the call has ended. @param from The thread from which it came, which must be
   * the callee's.
   */
  resolve(number: number, value: unknown, from: number): void {
    const call = this.#calls.get(number)
    if (call === undefined || threadOf(call.callee) !== from) return
    this.#close(number)
    call.resolve(value)
  }

  /**
   * The callee's thread reports that the reply could not be carried. @param from The reporting thread, which must be
   * the callee's.
   */
  fail(number: number, error: unknown, from: number): void {
    const call = this.#calls.get(number)
    if (call !== undefined && threadOf(call.callee) === from) this.reject(number, error)
  }

  reject(number: number, error: unknown): void {
    this.#close(number)?.reject(error)
  }

  /** A process has ended, with `error` if it failed: calls to it reject, and its own calls are removed. */
  processEnded(pid: Pid, error?: TroupeError): void {
    const reason = error === undefined ? 'it has ended' : `it ended with ${error.name}: ${error.message}`
    for (const [number, { by, callee }] of this.#calls) {
      if (callee === pid) this.reject(number, gone(callee, reason, error))
      else if (by === pid) this.#close(number)
    }
  }

  /** A thread has ended. */
  threadGone(thread: number, error: TroupeError): void {
    for (const [number, { callee, held }] of this.#calls)
      if (threadOf(callee) === thread)
        this.reject(
          number,
          isNodeDown(error) ? nodeDown(error, callee, held.isPosted === true) : gone(callee, error.message, error),
        )
  }

  #close(number: number): PendingCall | undefined {
    const call = this.#calls.get(number)
    if (call === undefined) return undefined
    this.#calls.delete(number)
    stopTimer(call.timer)
    call.held.withdrawn = true
    return call
  }
}

/** @param cause The error with which the process ended, if it failed. */
function gone(pid: Pid, reason: string, cause?: TroupeError): TroupeError {
  return new TroupeError('NotFound', `process ${pid} does not exist: ${reason}`, { details: { pid }, cause })
}
