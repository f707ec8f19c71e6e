/** A handle of a service, for the program around an application. */
import type { EntryId } from '@troupe/core'
import type { ServiceStatus } from '@troupe/process/kernel'
import type { Application } from '../app.ts'

/** A service, host or network of a running application. */
export class ServiceHandle {
  /** The id of its entry. */
  readonly id: EntryId
  readonly #application: Application

  /** Use `app.service(name)`. */
  constructor(application: Application, id: EntryId) {
    this.#application = application
    this.id = id
  }

  /** Its current state. */
  get status(): ServiceStatus {
    return this.#application.service(this.id)
  }

  /**
   * Starts it, and the services that it needs.
   *
   * @example
   * ```ts
   * const { state } = await app.service('crawler').start()
   * ```
   *
   * @throws TroupeError `Unavailable` while the application stops.
   */
  async start(): Promise<ServiceStatus> {
    return this.#application.start(this.id)
  }

  /**
   * Stops it; its dependents stop first. It stays stopped until it is started.
   *
   * @example
   * ```ts
   * await app.service('crawler').stop()
   * ```
   */
  async stop(): Promise<void> {
    await this.#application.stopService(this.id)
  }

  /**
   * Stops it, with its dependents, and starts it and those of them that ran again. Throws like
   * {@link ServiceHandle.start}.
   *
   * @example
   * ```ts
   * await app.service('crawler').restart()
   * ```
   */
  async restart(): Promise<ServiceStatus> {
    const running = this.#application.services().filter(({ state }) => state === 'Running')
    await this.stop()
    const status = await this.start()
    const stopped = running.filter(({ id }) => this.#application.service(id).state === 'Stopped')
    await Promise.all(stopped.map(async ({ id }) => this.#application.start(id)))
    return status
  }
}
