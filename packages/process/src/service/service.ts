/** One supervised service: its life cycle, and the notifications about it. */
import type { Protection } from '../host/process/protection.ts'
import type { Clock, EntryId, Pid, TroupeError } from '@troupe/core'
import type { Lifecycle as Settings } from '@troupe/registry'
import { Lifecycle } from './lifecycle.ts'
import type { ServiceState } from './lifecycle.machine.ts'
import { ServiceInstance, type Start } from './service-instance.ts'

export type { ServiceState } from './lifecycle.machine.ts'

/** The state of one replica. */
export interface ReplicaStatus {
  /** The name of its process: `app:worker/0`. */
  readonly name: string
  readonly state: ServiceState
  /** Its process; `undefined` while it does not run. */
  readonly pid: Pid | undefined
  /** Number of consecutive failures. */
  readonly attempts: number
  /** The error of its last failure; `undefined` while it runs. */
  readonly error: TroupeError | undefined
}

/** An event of the channel `troupe:service`, in the program's thread: the state of a service has changed. */
export interface ServiceStatus {
  /** The entry of the service. */
  readonly id: EntryId
  /** The kind of the entry. */
  readonly kind: string
  /** The state now. */
  readonly state: ServiceState
  /** Number of consecutive failures. */
  readonly attempts: number
  /** The error of its last failure; `undefined` while it runs. */
  readonly error: TroupeError | undefined
  /** What holds the processes of a host with `isolation: process`, once the first of them has started. */
  readonly protection?: Protection
  /** Its processes, if it has `replicas`. */
  readonly replicas?: readonly ReplicaStatus[]
}

export interface ServiceOptions {
  readonly id: EntryId
  readonly kind: string
  readonly lifecycle: Settings
  readonly start: Start
  /** See {@link ServiceStatus}. */
  readonly protection?: (() => Protection | undefined) | undefined
  /** See {@link ServiceStatus}. */
  readonly replicas?: (() => readonly ReplicaStatus[]) | undefined
  /** Why it cannot start now, if something that it needs is down. */
  readonly blockedBy: () => TroupeError | undefined
  readonly clock: Clock
  readonly onChange: (status: ServiceStatus, before: ServiceStatus) => void
}

const settled: ReadonlySet<ServiceState> = new Set<ServiceState>(['Running', 'Stopped', 'Failed', 'Exited'])
const atRest: ReadonlySet<ServiceState> = new Set<ServiceState>(['Unknown', 'Stopped', 'Exited'])

export class Service {
  readonly id: EntryId
  readonly kind: string
  readonly #lifecycle: Lifecycle
  readonly #protection: ServiceOptions['protection']
  readonly #replicas: ServiceOptions['replicas']
  readonly #onChange: ServiceOptions['onChange']
  /** Called after each step; a closed service calls them once more. */
  readonly #waiters = new Set<() => void>()
  /** Its status when its state changed last. */
  #last: ServiceStatus

  constructor(options: ServiceOptions) {
    const { lifecycle: settings, blockedBy, clock } = options
    this.id = options.id
    this.kind = options.kind
    this.#protection = options.protection
    this.#replicas = options.replicas
    this.#onChange = options.onChange
    const instance = new ServiceInstance(options.start)
    this.#lifecycle = new Lifecycle({ settings, instance, blockedBy, clock, onStep: this.#stepped })
    this.#last = this.status
  }

  get status(): ServiceStatus {
    const { state, attempts, error } = this.#lifecycle
    const protection = this.#protection?.()
    const replicas = this.#replicas?.()
    return {
      id: this.id,
      kind: this.kind,
      state,
      attempts,
      error,
      ...(protection && { protection }),
      ...(replicas && { replicas }),
    }
  }

  /** Whether it has failed, and waits for what it needs instead of for its delay. */
  get isBlocked(): boolean {
    return this.#lifecycle.state === 'Failed' && this.#lifecycle.isBlocked
  }

  /**
   * Starts it, and settles when it runs or its first attempt has failed. A service that is being stopped starts after
   * it has stopped.
   */
  async start(): Promise<ServiceStatus> {
    await this.#until((state) => state !== 'Stopping')
    this.wake()
    await this.#until((state) => settled.has(state))
    return this.status
  }

  /** Starts it, unless it runs or is starting. Does not wait. */
  wake(): void {
    this.#lifecycle.send('START')
  }

  /** Stops it, and settles when it has stopped. */
  async stop(): Promise<void> {
    this.#lifecycle.send('STOP')
    await this.#until((state) => atRest.has(state))
  }

  /** Its state no longer changes, and no timer is left. Waiting callers continue. */
  close(): void {
    this.#lifecycle.close()
    this.#release()
  }

  readonly #stepped = (): void => {
    const { status } = this
    if (status.state !== this.#last.state) {
      const before = this.#last
      this.#last = status
      try {
        this.#onChange(status, before)
      } catch (error) {
        // Its life cycle does not depend on its observers.
        queueMicrotask(() => {
          throw error
        })
      }
    }
    this.#release()
  }

  #release(): void {
    for (const waiter of this.#waiters) waiter()
  }

  async #until(reached: (state: ServiceState) => boolean): Promise<void> {
    const isOver = () => this.#lifecycle.isClosed || reached(this.#lifecycle.state)
    if (isOver()) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const waiter = () => {
      if (isOver()) resolve()
    }
    this.#waiters.add(waiter)
    await promise
    this.#waiters.delete(waiter)
  }
}
