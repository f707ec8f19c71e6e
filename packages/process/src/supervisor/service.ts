/** One supervised service: the machine of its life cycle, and what is told of it. */
import type { EntryId, TroupeError } from '@troupe/core'
import type { Lifecycle } from '@troupe/registry'
import { type Actor, createActor, type SnapshotFrom, waitFor } from 'xstate'
import { lifecycleMachine, type LifecycleInput } from './lifecycle.machine.ts'

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

export interface ServiceOptions extends LifecycleInput {
  readonly id: EntryId
  readonly kind: string
  readonly lifecycle: Lifecycle
  readonly onChange: (status: ServiceStatus) => void
}

const settled: ReadonlySet<ServiceState> = new Set<ServiceState>(['Running', 'Stopped', 'Failed', 'Exited'])
const atRest: ReadonlySet<ServiceState> = new Set<ServiceState>(['Unknown', 'Stopped', 'Exited'])

export class Service {
  readonly id: EntryId
  readonly kind: string
  readonly #actor: Actor<typeof lifecycleMachine>

  constructor(options: ServiceOptions) {
    this.id = options.id
    this.kind = options.kind
    this.#actor = createActor(lifecycleMachine, { input: options })
    let before: ServiceState = 'Unknown'
    this.#actor.subscribe(() => {
      const { status } = this
      if (status.state === before) return
      before = status.state
      options.onChange(status)
    })
    this.#actor.start()
  }

  get status(): ServiceStatus {
    const snapshot = this.#actor.getSnapshot()
    const { attempts, error } = snapshot.context
    return { id: this.id, kind: this.kind, state: snapshot.value, attempts, error }
  }

  /** Starts it, and settles when it runs or its first attempt has failed. */
  async start(): Promise<ServiceStatus> {
    this.#actor.send({ type: 'START' })
    await this.#reach(settled)
    return this.status
  }

  /** Stops it, and settles when it has stopped. */
  async stop(): Promise<void> {
    this.#actor.send({ type: 'STOP' })
    await this.#reach(atRest)
  }

  /** Ends the machine: no timer is left. */
  close(): void {
    this.#actor.stop()
  }

  async #reach(states: ReadonlySet<ServiceState>): Promise<void> {
    await waitFor(this.#actor, (snapshot: SnapshotFrom<typeof lifecycleMachine>) => states.has(snapshot.value), { timeout: Infinity })
  }
}
