/** Notices when nothing of an application can run any more, because its services have given up. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { startInterval, stopTimer, type Timer } from '@troupe/core'
import type { Application, ServiceStatus } from 'troupe/app'

/** Milliseconds between two looks at processes that no service has. */
const pace = 2000
const channel = 'troupe:service'

/**
 * The services that have given up, if nothing else can run; otherwise none. Hosts and overlays only serve others. A
 * service that was never started does not count. One that an operator has stopped may be started again.
 */
export function servicesGivenUp(services: readonly ServiceStatus[]): readonly ServiceStatus[] {
  const states = new Map<string, ServiceStatus>(services.map((status) => [status.id, status]))
  const isOver = ({ state, error }: ServiceStatus, depth = 0): boolean => {
    if (state === 'Exited') return true
    const needed = state === 'Failed' ? states.get(String(error?.details['needs'])) : undefined
    // A need that has returned is met: then it waits for something else.
    return needed?.error !== undefined && depth < services.length && isOver(needed, depth + 1)
  }
  const working = services.filter(({ kind, state }) => state !== 'Unknown' && !servesOthers(kind))
  if (working.length === 0 || !working.every((status) => isOver(status))) return []
  return services.filter(({ state, error }) => state === 'Exited' && error !== undefined)
}

function servesOthers(kind: string): boolean {
  return kind === 'process.host' || kind.startsWith('network.')
}

/** Watches an application until disposed. */
export class NothingLeft implements Disposable {
  /** The services that gave up, once nothing is left that can run. */
  readonly reached: Promise<readonly ServiceStatus[]>
  readonly #app: Application
  readonly #resolve: (services: readonly ServiceStatus[]) => void
  #timer: Timer | undefined

  constructor(app: Application) {
    const { promise, resolve } = Promise.withResolvers<readonly ServiceStatus[]>()
    this.reached = promise
    this.#resolve = resolve
    this.#app = app
    subscribe(channel, this.#look)
    this.#look()
  }

  [Symbol.dispose](): void {
    unsubscribe(channel, this.#look)
    this.#wait(false)
  }

  readonly #look = (): void => {
    const isPossible = servicesGivenUp(this.#app.services()).length > 0
    this.#wait(isPossible)
    if (isPossible) void this.#lookAtProcesses()
  }

  /** Processes that code has started by itself may do something yet. */
  async #lookAtProcesses(): Promise<void> {
    const { processes } = await this.#app.observe({ processes: 1, connections: 0 })
    const over = servicesGivenUp(this.#app.services())
    if (over.length > 0 && processes.rows.length === 0) this.#resolve(over)
  }

  #wait(isWaiting: boolean): void {
    if (isWaiting) this.#timer ??= startInterval(this.#look, pace)
    else if (this.#timer !== undefined) {
      stopTimer(this.#timer)
      this.#timer = undefined
    }
  }
}
