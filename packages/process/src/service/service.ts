/** One supervised service: its life-cycle machine, and the notifications about it. */
import type { Clock, EntryId, TroupeError } from '@troupe/core'
import type { Lifecycle } from '@troupe/registry'
import { type Actor, createActor, waitFor } from 'xstate'
import { ServiceInstance, type Start } from './service-instance.ts'
import { lifecycleMachine } from './lifecycle.machine.ts'

/** States of a service. */
export type ServiceState = 'Unknown' | 'Starting' | 'Running' | 'Stopping' | 'Stopped' | 'Failed' | 'Exited'

/** The current state of a service. */
export interface ServiceStatus {
  readonly id: EntryId
  readonly kind: string
  readonly state: ServiceState
  /** Number of consecutive failures. */
  readonly attempts: number
  /** The error of its last failure; `undefined` while it runs. */
  readonly error: TroupeError | undefined
}

export interface ServiceOptions {
  readonly id: EntryId
  readonly kind: string
  readonly lifecycle: Lifecycle
  readonly start: Start
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
  readonly #actor: Actor<typeof lifecycleMachine>

  constructor(options: ServiceOptions) {
    const { lifecycle, blockedBy, clock } = options
    this.id = options.id
    this.kind = options.kind
    this.#actor = createActor(lifecycleMachine, { input: { lifecycle, blockedBy, instance: new ServiceInstance(options.start) }, clock })
    let last = this.status
    this.#actor.subscribe(() => {
      const { status } = this
      if (status.state === last.state) return
      const before = last
      last = status
      options.onChange(status, before)
    })
    this.#actor.start()
  }

  get status(): ServiceStatus {
    const snapshot = this.#actor.getSnapshot()
    const { attempts, error } = snapshot.context
    return { id: this.id, kind: this.kind, state: snapshot.value, attempts, error }
  }

  /** Whether it has failed, and waits for what it needs instead of for its delay. */
  get isBlocked(): boolean {
    const { value, context } = this.#actor.getSnapshot()
    return value === 'Failed' && context.blocked
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
    this.#send('START')
  }

  /** Stops it, and settles when it has stopped. */
  async stop(): Promise<void> {
    this.#send('STOP')
    await this.#until((state) => atRest.has(state))
  }

  /** Closes the machine: no timer is left. */
  close(): void {
    this.#actor.stop()
  }

  #send(type: 'START' | 'STOP'): void {
    if (!this.#isClosed()) this.#actor.send({ type })
  }

  async #until(reached: (state: ServiceState) => boolean): Promise<void> {
    if (this.#isClosed()) return
    // A closed machine never changes its state again; release the waiters.
    await waitFor(this.#actor, ({ value }) => reached(value)).catch(() => undefined)
  }

  #isClosed(): boolean {
    return this.#actor.getSnapshot().status !== 'active'
  }
}
