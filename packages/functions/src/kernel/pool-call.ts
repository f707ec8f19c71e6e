/** One call on its way through a pool. */
import { type Frame, startTimer, stopTimer, type Timer, type TroupeError } from '@troupe/core'
import type { Network, ProcessRecord } from '@troupe/process/kernel'

export interface PoolCallOptions {
  readonly frame: Frame
  /** The network of the thread that runs it. */
  readonly network: Network
  readonly args: readonly unknown[]
  /** The caller, if the kernel knows it. */
  readonly caller: ProcessRecord | undefined
}

export class PoolCall {
  readonly frame: Frame
  readonly network: Network
  /** Since when it waits, by the clock of `performance`. */
  since = 0
  readonly args: readonly unknown[]
  readonly caller: ProcessRecord | undefined
  /** The result that its caller waits for. */
  readonly value: Promise<unknown>
  readonly #resolve: (value: unknown) => void
  readonly #reject: (error: TroupeError) => void
  #settled = false
  #timer: Timer | undefined

  constructor({ frame, network, args, caller }: PoolCallOptions) {
    this.frame = frame
    this.network = network
    this.args = args
    this.caller = caller
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    this.value = promise
    this.#resolve = resolve
    this.#reject = reject
  }

  /** Returns whether its caller already has a result or an error. */
  get settled(): boolean {
    return this.#settled
  }

  resolve(value: unknown): void {
    this.#settled = true
    this.#resolve(value)
  }

  reject(error: TroupeError): void {
    this.#settled = true
    this.#reject(error)
  }

  /** Calls `fn` after `ms` milliseconds, unless the call ends or is watched again before that. */
  watch(ms: number, fn: () => void): void {
    stopTimer(this.#timer)
    this.#timer = startTimer(fn, ms).unref()
  }

  unwatch(): void {
    if (this.#timer !== undefined) stopTimer(this.#timer)
  }
}
