/** Names of processes, kept by the kernel. A name is removed when its process ends. */
import type { Pid } from '@troupe/core'
import type { PidNamed } from '@troupe/core/entries'
import { currentRuntime } from '../thread/current.ts'
import { currentParticipant } from '../thread/participant.ts'

/**
 * Returns the process of that name; `undefined` if there is none, or none that the caller may know of.
 *
 * @example
 * ```ts
 * const mailer = await processes.names.lookup('mailer')
 * if (mailer !== undefined) await processes.send(mailer, 'mail', { to: 'ann@example.org' })
 * ```
 */
function lookup<const Name extends string>(name: Name): Promise<PidNamed<Name> | undefined>
function lookup(name: string): Promise<Pid | undefined> {
  return currentRuntime().kernel.request('lookup', { name }, currentParticipant().pid)
}

export const names = {
  /**
   * Registers a name for a process. A process may have 4096 names; they are removed when it ends.
   *
   * @example
   * ```ts
   * await processes.names.register('mailer')
   * ```
   *
   * @param name - Not empty, and not in the form of a pid.
   * @param pid - The process. Absent: the current one.
   * @throws TroupeError `AlreadyExists` when another process or a service has the name; `NotFound` when the process
   * does not exist; `Invalid` for another name; `RateLimited` when the process has as many names as one may;
   * `PermissionDenied` (`process.registry.register`).
   */
  async register(name: string, pid?: Pid): Promise<void> {
    const by = currentParticipant().pid
    await currentRuntime().kernel.request('register', { name, pid: pid ?? by }, by)
  },

  lookup,

  /**
   * Removes a name. Does nothing when no process has it.
   *
   * @example
   * ```ts
   * await processes.names.unregister('mailer')
   * ```
   *
   * @throws TroupeError `PermissionDenied` (`process.registry.unregister`).
   */
  async unregister(name: string): Promise<void> {
    await currentRuntime().kernel.request('unregister', { name }, currentParticipant().pid)
  },
}
