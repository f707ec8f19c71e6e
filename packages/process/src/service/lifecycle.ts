/**
 * Runs the life cycle of one service. An application may have thousands of services, so this is a loop over a table
 * instead of actors of a library.
 */
import { asTroupeError, type Clock, TroupeError } from '@troupe/core'
import type { Lifecycle as Settings } from '@troupe/registry'
import {
  type Action,
  type Cause,
  type Delay,
  type Guard,
  lifecycleMachine,
  type ServiceState,
  type Work,
} from './lifecycle.machine.ts'
import { isExhausted, restartDelay } from './restart.ts'
import type { ServiceInstance } from './service-instance.ts'

/** Milliseconds that a service has to end after its stop timeout. Then it counts as stopped in any case. */
const graceAfterStop = 5_000

export interface LifecycleOptions {
  readonly settings: Settings
  readonly instance: ServiceInstance
  /** Why it cannot start now, if something that it needs is down. */
  readonly blockedBy: () => TroupeError | undefined
  readonly clock: Clock
  /** Called after each event that had an effect. */
  readonly onStep: () => void
}

interface Event {
  readonly cause: Cause
  /** The error that an ended start or run carries; `undefined` for a run that returned. */
  readonly error?: TroupeError | undefined
}

export class Lifecycle {
  readonly #options: LifecycleOptions
  #state: ServiceState = lifecycleMachine.initial
  #attempts = 0
  #error: TroupeError | undefined
  #isBlocked = false
  #isClosed = false
  /** Number of the stay in the present state: results of work that an earlier one began are ignored. */
  #stay = 0
  #timers: number[] = []
  /** Events that came during a step: each is handled when the one before it has been reported. */
  readonly #waiting: Event[] = []
  #isBusy = false

  constructor(options: LifecycleOptions) {
    this.#options = options
  }

  get state(): ServiceState {
    return this.#state
  }

  /** Number of consecutive failed starts and runs. */
  get attempts(): number {
    return this.#attempts
  }

  get error(): TroupeError | undefined {
    return this.#error
  }

  /**
   * It failed because something that it needs is down. This does not count as an attempt, and no timer restarts it.
   */
  get isBlocked(): boolean {
    return this.#isBlocked
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  send(cause: Cause, error?: TroupeError): void {
    if (this.#isClosed) return
    this.#waiting.push({ cause, error })
    if (this.#isBusy) return
    this.#isBusy = true
    try {
      for (let event = this.#waiting.shift(); event !== undefined; event = this.#waiting.shift())
        if (this.#step(event)) this.#options.onStep()
    } finally {
      this.#isBusy = false
    }
  }

  /** Its state no longer changes, and no timer is left. */
  close(): void {
    this.#isClosed = true
    this.#waiting.length = 0
    this.#leave()
  }

  /** Returns whether the event had an effect. */
  #step({ cause, error }: Event): boolean {
    const { on, exit } = lifecycleMachine.states[this.#state]
    const taken = on[cause]?.find(({ guard }) => guard === undefined || this.#holds(guard, error))
    if (taken === undefined) return false
    const { target, actions = [] } = taken
    if (target !== undefined) {
      this.#leave()
      if (exit !== undefined) this.#act(exit, error)
    }
    for (const action of actions) this.#act(action, error)
    if (target !== undefined) this.#enter(target)
    return true
  }

  #leave(): void {
    this.#stay += 1
    for (const timer of this.#timers) this.#options.clock.clearTimeout(timer)
    this.#timers = []
  }

  #enter(state: ServiceState): void {
    this.#state = state
    const { entry, delays = [], work } = lifecycleMachine.states[state]
    if (entry !== undefined) this.#act(entry, undefined)
    if (this.#isClosed) return
    const { clock } = this.#options
    for (const delay of delays) {
      const due = () => {
        this.send(delay, this.#lateness(delay))
      }
      this.#timers.push(clock.setTimeout(due, this.#milliseconds(delay)))
    }
    if (work !== undefined) void this.#work(work, this.#stay)
  }

  async #work(work: Work, stay: number): Promise<void> {
    const { cause, error } = await this.#resultOf(work).catch(
      (reason: unknown): Event => ({ cause: work === 'run' ? 'done' : 'failed', error: asTroupeError(reason) }),
    )
    if (stay === this.#stay) this.send(cause, error)
  }

  async #resultOf(work: Work): Promise<Event> {
    const { instance } = this.#options
    if (work === 'run') {
      const exit = await instance.ended()
      return { cause: 'done', ...('error' in exit && { error: exit.error }) }
    }
    await (work === 'begin' ? instance.begin() : instance.end())
    return { cause: 'done' }
  }

  #holds(guard: Guard, error: TroupeError | undefined): boolean {
    const { settings, blockedBy } = this.#options
    switch (guard) {
      case 'isBlocked':
        return blockedBy() !== undefined
      // It returned.
      case 'isDone':
        return error === undefined
      // It failed permanently, or has used up its attempts.
      default:
        return error?.final === true || isExhausted(settings.restart, this.#attempts + 1)
    }
  }

  #act(action: Action, error: TroupeError | undefined): void {
    const { instance, blockedBy } = this.#options
    switch (action) {
      case 'up':
        this.#error = undefined
        break
      case 'fail':
        this.#error = error
        this.#attempts += 1
        break
      case 'note':
        this.#error = error
        break
      case 'block':
        this.#error = blockedBy()
        this.#isBlocked = true
        break
      case 'unblock':
        this.#isBlocked = false
        break
      case 'forget':
        this.#attempts = 0
        this.#error = undefined
        break
      case 'hurry':
        instance.hurry()
        break
      default:
        instance.abandon()
    }
  }

  #milliseconds(delay: Delay): number {
    const { settings } = this.#options
    switch (delay) {
      case 'stopDeadline':
        return settings.stopTimeout + graceAfterStop
      case 'restartDelay':
        return restartDelay(settings.restart, this.#attempts)
      default:
        return settings[delay]
    }
  }

  /** The error of a start or stop that took too long. */
  #lateness(delay: Delay): TroupeError | undefined {
    const { startTimeout, stopTimeout } = this.#options.settings
    if (delay === 'startTimeout') return new TroupeError('Timeout', `it did not start in ${startTimeout} ms`)
    if (delay === 'stopDeadline')
      return new TroupeError('Timeout', `it did not stop in ${stopTimeout} ms, and could not be ended`)
    return undefined
  }
}
