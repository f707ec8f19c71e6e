/** What an operator, or a tool, does with the services of a running application. */
import type { EntryId } from '@troupe/core'
import type { ServerAddress } from '@troupe/http/kernel'
import type { OverlayStatus } from '@troupe/network'
import type { ServiceStatus } from '@troupe/process/kernel'
import type { ApplicationParts } from './application-parts.ts'
import { renewCode, restartWith } from './live/code.ts'
import type { LeastLevel } from './log/levels.ts'

/** Shows and steers the services, the code and the log of an application. */
export abstract class ApplicationControls {
  readonly #parts: ApplicationParts

  /** @internal */
  constructor(parts: ApplicationParts) {
    this.#parts = parts
  }

  /**
   * Returns the current state of hosts, overlays and supervised processes.
   *
   * @example
   * ```ts
   * for (const { id, state } of app.services()) console.log(`${id} ${state}`) // app:counter Running
   * ```
   */
  services(): readonly ServiceStatus[] {
    return this.#parts.supervisor.list()
  }

  /**
   * Returns the state of one service.
   *
   * @example
   * ```ts
   * const id = 'app:counter'
   * if (isEntryId(id)) console.log(app.service(id).state) // Running
   * ```
   *
   * @throws TroupeError `NotFound`
   */
  service(id: EntryId): ServiceStatus {
    return this.#parts.supervisor.status(id)
  }

  /**
   * Starts a service, and the services that it needs. Settles when it runs, or when its first attempt has failed: the
   * returned status has the error.
   *
   * @example
   * ```ts
   * const id = 'app:counter'
   * if (isEntryId(id)) console.log((await app.start(id)).state) // Running
   * ```
   *
   * @throws TroupeError `NotFound` for an entry that is not a service; `Unavailable` while the application stops.
   */
  async start(id: EntryId): Promise<ServiceStatus> {
    return this.#parts.supervisor.start(id)
  }

  /**
   * Stops a service; its dependents stop first.
   *
   * @example
   * ```ts
   * const id = 'app:counter'
   * if (isEntryId(id)) await app.stopService(id)
   * ```
   *
   * @throws TroupeError `NotFound`
   */
  async stopService(id: EntryId): Promise<void> {
    await this.#parts.supervisor.stop(id)
  }

  /**
   * Returns the status of an overlay; `undefined` for kinds that know no more than their dials show.
   *
   * @example
   * ```ts
   * const id = 'app:tor'
   * if (isEntryId(id)) console.log((await app.overlayStatus(id))?.state) // up
   * ```
   *
   * @throws TroupeError `NotFound`
   */
  async overlayStatus(id: EntryId): Promise<OverlayStatus | undefined> {
    return this.#parts.kernel.overlays.status(id)
  }

  /**
   * Returns the address of a running `http.service`.
   *
   * @example
   * ```ts
   * const id = 'app:web'
   * if (isEntryId(id)) console.log(app.address(id).port) // 8377
   * ```
   *
   * @throws TroupeError `NotFound`
   */
  address(service: EntryId): ServerAddress {
    return this.#parts.servers.address(service)
  }

  /**
   * Closes a connection through an overlay, by the thread and the number with which `observe` lists it. Does nothing
   * when there is none.
   *
   * @example
   * ```ts
   * const { connections } = await app.observe()
   * for (const { thread, number } of connections.rows) app.closeConnection(thread, number)
   * ```
   */
  closeConnection(thread: number, connection: number): void {
    this.#parts.kernel.threads.get(thread)?.post({ type: 'closeConnection', connection })
  }

  /**
   * Changes which lines the log writes, until the configuration changes.
   *
   * @example
   * ```ts
   * app.setLogLevel('debug')
   * app.setLogLevel(undefined) // as in the configuration
   * ```
   *
   * @param level - The lowest level that is written; `undefined` for that of the configuration.
   * @param entry - The entry or overlay whose lines it applies to. Absent: all that have no level of their own.
   * @throws TroupeError `NotFound`
   */
  setLogLevel(level: LeastLevel | undefined, entry?: EntryId): void {
    if (entry !== undefined) this.#parts.kernel.registry.get(entry)
    this.#parts.logger.levels.set(level, entry)
  }

  /**
   * Reports that the code of a process or function entry has changed. New processes and calls load the new code,
   * including what it imports by relative paths. Running ones continue; upgradable processes receive an OUTDATED event.
   *
   * @example
   * ```ts
   * const id = 'app:counter'
   * if (isEntryId(id)) await app.codeChanged(id)
   * ```
   *
   * @throws TroupeError `NotFound`
   */
  async codeChanged(entry: EntryId): Promise<void> {
    await renewCode(this.#parts, entry)
  }

  /**
   * Restarts the services and supervised children that run a process entry, so that they run its current code.
   * Upgradable processes are not restarted, because they take over the new code themselves.
   *
   * @example
   * ```ts
   * const id = 'app:counter'
   * if (isEntryId(id)) console.log(await app.restartWith(id)) // ['app:counter_service']
   * ```
   *
   * @returns the names of the restarted services.
   */
  async restartWith(entry: EntryId): Promise<readonly string[]> {
    return restartWith(this.#parts, entry)
  }
}
