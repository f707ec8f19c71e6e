/** The API for processes: spawn, send, monitor, stop. */
import { yielding } from '@troupe/core'
import { emptySelection } from './call-options.ts'
import { currentRuntime } from '../thread/current.ts'
import type { Exit } from '../thread/process/event-queue.ts'
import { groups } from './groups.ts'
import { later } from './later.ts'
import { names } from './names.ts'
import { currentParticipant } from '../thread/participant.ts'
import { find, findFor, ownProcess, terminate } from './find-process.ts'
import { call, send, trySend } from './send.ts'
import { spawner } from './spawn.ts'
import { supervisors } from './supervisors.ts'

/** Spawns processes, sends messages to them, watches and stops them. Throws `Invalid` outside an application. */
export const processes = {
  ...spawner(emptySelection),
  ...later,
  /** Names of processes. */
  names,
  /** Groups of processes. */
  groups,
  /** Supervisors of processes, and their children. */
  supervisors,

  send,
  trySend,
  call,

  /**
   * Ends a process at once, whatever it is doing. Its EXIT carries a `Canceled` error. Messages that were sent to it
   * earlier arrive first.
   *
   * @example
   * ```ts
   * await processes.terminate('app:mailer')
   * ```
   *
   * @throws TroupeError `NotFound` when the process does not exist; `PermissionDenied`.
   */
  async terminate(to: string): Promise<void> {
    await terminate(to)
  },

  /**
   * Asks a process to stop: its `self.signal` aborts, its inbox ends, and it gets a CANCEL event. The process decides
   * how to react. Messages that were sent to it earlier arrive first.
   *
   * @example
   * ```ts
   * const mailer = await processes.spawn('app:mailer', 'app:threads')
   * await processes.cancel(mailer, 'no more mails')
   * await processes.exited(mailer)
   * ```
   *
   * @throws TroupeError `NotFound` when the process does not exist; `PermissionDenied`.
   */
  async cancel(to: string, reason = 'it was asked to stop'): Promise<void> {
    const runtime = currentRuntime()
    const by = currentParticipant().pid
    const pid = await find(to)
    await runtime.router.outbound.posted(pid)
    await runtime.kernel.request('cancel', { pid, reason }, by)
  },

  /**
   * Requests an EXIT event when a process ends. The event comes at once if the process does not exist.
   *
   * @example
   * ```ts
   * await processes.monitor('app:mailer')
   * for await (const event of self.events) if (event.type === 'EXIT') log.warn(`${event.from} ended`)
   * ```
   *
   * @throws TroupeError `Invalid` outside a process; `NotFound` for an unknown name; `PermissionDenied`.
   */
  async monitor(to: string): Promise<void> {
    const { pid } = ownProcess('monitor')
    currentRuntime().links.monitor(await findFor(currentParticipant(), 'process.monitor', to), { pid, promise: 0 })
  },

  /**
   * Cancels {@link processes.monitor}.
   *
   * @example
   * ```ts
   * await processes.unmonitor('app:mailer')
   * ```
   *
   * @throws TroupeError `Invalid` outside a process; `NotFound` for an unknown name; `PermissionDenied`.
   */
  async unmonitor(to: string): Promise<void> {
    const { pid } = ownProcess('unmonitor')
    currentRuntime().links.unmonitor(await findFor(currentParticipant(), 'process.unmonitor', to), pid)
  },

  /**
   * Links this process with another: when either ends with an error, the other ends too, unless it traps links.
   *
   * @example
   * ```ts
   * self.setOptions({ trapLinks: true })
   * await processes.link('app:mailer')
   * for await (const event of self.events) if (event.type === 'LINK_DOWN') log.warn(`${event.from} ended`)
   * ```
   *
   * @throws TroupeError `Invalid` outside a process; `NotFound` for an unknown name; `PermissionDenied`.
   */
  async link(to: string): Promise<void> {
    const process = ownProcess('link')
    currentRuntime().links.link(process, await findFor(process, 'process.link', to))
  },

  /**
   * Removes the link to another process.
   *
   * @example
   * ```ts
   * await processes.unlink('app:mailer')
   * ```
   *
   * @throws TroupeError `Invalid` outside a process; `NotFound` for an unknown name; `PermissionDenied`.
   */
  async unlink(to: string): Promise<void> {
    const process = ownProcess('unlink')
    currentRuntime().links.unlink(process, await findFor(process, 'process.unlink', to))
  },

  /**
   * Resolves when a process has ended, with how it ended. The error in the result is `NotFound` if the process does not
   * exist.
   *
   * @example
   * ```ts
   * const exit = await processes.exited('app:mailer')
   * log.info('error' in exit ? `it failed: ${exit.error.message}` : 'it ended')
   * ```
   *
   * @throws TroupeError `NotFound` for an unknown name; `PermissionDenied`.
   */
  async exited(to: string): Promise<Exit> {
    const runtime = currentRuntime()
    const by = currentParticipant()
    const watch = runtime.links.promise(by.pid)
    runtime.links.monitor(await findFor(by, 'process.monitor', to), watch.watcher)
    return yielding(watch.exit)
  },
}
