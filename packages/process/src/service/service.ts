/** One supervised service: the machine of its life cycle, and what is notified of it. */
import type { Clock, EntryId, TroupeError } from '@troupe/core'
import type { Lifecycle } from '@troupe/registry'
import { type Actor, createActor, waitFor } from 'xstate'
import { ServiceInstance, type Start } from './service-instance.ts'
import { lifecycleMachine } from './lifecycle.machine.ts'

/** States of a service. */
export type ServiceState = 'Unknown' | 'Starting' | 'Running' | 'Stopping' | 'Stopped' | 'Failed' | 'Exited'

/** A service as it is now. */
export interface ServiceStatus {
  readonly id: EntryId
  readonly kind: string
  readonly state: ServiceState
  /** Failures in a row. */
  readonly attempts: number
  /** Why it failed last; none while it runs. */
  readonly error: TroupeError | undefined
}

export interface ServiceOptions {
  readonly id: EntryId
  readonly kind: string
  readonly lifecycle: Lifecycle
  readonly start: Start
  /** Why it can not start now, if something that it needs is down. */
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

  /** Whether it has failed, and waits for what it needs rather than for its delay. */
  get isBlocked(): boolean {
    const { value, context } = this.#actor.getSnapshot()
    return value === 'Failed' && context.blocked
  }

  /** Starts it, and settles when it runs or its first attempt has failed. One that is being stopped starts when it has stopped. */
  async start(): Promise<ServiceStatus> {
    await this.#until((state) => state !== 'Stopping')
    this.wake()
    await this.#until((state) => settled.has(state))
    return this.status
  }

  /** Starts it, if it does not run or start anyway. Nobody waits. */
  wake(): void {
    this.#send('START')
  }

  /** Stops it, and settles when it has stopped. */
  async stop(): Promise<void> {
    this.#send('STOP')
    await this.#until((state) => atRest.has(state))
  }

  /** Ends the machine: no timer is left. */
  close(): void {
    this.#actor.stop()
  }

  #send(type: 'START' | 'STOP'): void {
    if (!this.#isClosed()) this.#actor.send({ type })
  }

  async #until(reached: (state: ServiceState) => boolean): Promise<void> {
    if (this.#isClosed()) return
    // A machine that is closed reaches nothing any more: whoever waits is let go.
    await waitFor(this.#actor, ({ value }) => reached(value)).catch(() => undefined)
  }

  #isClosed(): boolean {
    return this.#actor.getSnapshot().status !== 'active'
  }
}
