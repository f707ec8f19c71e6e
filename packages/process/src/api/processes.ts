/** The API for processes: spawn, send, monitor, stop. */
import { bounded, currentFrame, entryId, invalid, isPid, notFound, type Pid, TroupeError, yielding } from '@troupe/core'
import type { ArgumentsOf, IdIn, ProcessEntries, ResultOf } from '@troupe/core/entries'
import {
  type CallOptions,
  chosenOf,
  emptySelection,
  inheritedContext,
  type Selection,
  timeoutOf,
  withContext,
  withOptions,
} from './call-options.ts'
import { policiesOf } from '@troupe/policy'
import { pack, snapshot, snapshotArguments, type Transfer } from '../mailbox/payload.ts'
import type { FirstMessage, Watcher } from '../protocol/programs.ts'
import { currentRuntime } from '../thread/current.ts'
import type { Exit } from '../thread/process/event-queue.ts'
import { LocalProcess } from '../thread/process/local-process.ts'
import { groups } from './groups.ts'
import { names } from './names.ts'
import { currentParticipant, frameInForce, type Participant } from '../thread/participant.ts'
import { checkTopic } from '../thread/messaging/send-errors.ts'
import type { Spawner } from './spawner.ts'
import { supervisors } from './supervisors.ts'
import { milliseconds } from '../thread/timeout.ts'

/** Options of `processes.send` and `processes.trySend`. */
export interface SendOptions {
  /** Objects in the payload that are transferred to the receiver instead of copied. */
  readonly transfer?: Transfer
}

/** Options of `processes.call`. */
export interface ProcessCallOptions extends SendOptions {
  /**
   * Milliseconds, or a duration such as `5s`; `Infinity` to wait as long as the callee lives. @default 30s, or the
   * frame's deadline if that is earlier
   */
  readonly timeout?: number | string
}

interface SpawnPlan extends Selection {
  readonly name?: string
  readonly messages?: readonly FirstMessage[]
}

type ProcessId = IdIn<ProcessEntries>
type ArgumentsFor<Id> = ArgumentsOf<ProcessEntries, Id>

interface LinkOptions {
  readonly monitor?: Watcher
  readonly link?: Pid
}

function spawner(plan: SpawnPlan): Spawner {
  const start = async (id: string, host: string, args: readonly unknown[], linkOptions: LinkOptions): Promise<Pid> => {
    const runtime = currentRuntime()
    const by = currentParticipant()
    const { signal } = plan.options
    if (signal?.aborted === true)
      throw new TroupeError('Canceled', `${id} was not started: its caller had cancelled it`, { cause: signal.reason })
    const ask = {
      entry: entryId(id),
      host: entryId(host),
      args: snapshotArguments(args),
      choice: chosenOf(plan),
      inherit: inheritedContext(plan),
      ...linkOptions,
      ...(plan.name !== undefined && { name: plan.name }),
      ...(plan.messages && { messages: plan.messages }),
    }
    const link = linkOptions.link !== undefined && by instanceof LocalProcess ? by : undefined
    const here = runtime.spawnHere(by, ask)
    if (here !== undefined) {
      link?.addLink(here)
      return yielding(Promise.resolve(here))
    }
    const spawned = runtime.links.spawning(by.pid, { ...(linkOptions.monitor && { monitor: linkOptions.monitor }), ...(link && { link }) })
    try {
      const started = runtime.kernel.request('spawn', ask, by.pid).then(({ pid }) => {
        spawned(pid)
        return pid
      })
      return await by.hold(started)
    } catch (error) {
      spawned(undefined)
      throw error
    }
  }
  const event = () => ({ monitor: { pid: ownProcess('monitor').pid, promise: 0 } })
  const link = () => ({ link: ownProcess('link').pid })
  // The type of its result comes from `entries.d.ts`.
  function exec<Id extends ProcessId>(id: Id, host: string, ...args: ArgumentsFor<Id>): Promise<ResultOf<ProcessEntries, Id>>
  async function exec(id: string, host: string, ...args: unknown[]): Promise<unknown> {
    const watch = currentRuntime().links.promise(currentParticipant().pid)
    const pid = await start(id, host, args, { monitor: watch.watcher }).catch((error: unknown) => {
      watch.forget()
      throw error
    })
    const exit = await ending(pid, watch.exit, plan.options)
    if ('error' in exit) throw exit.error
    return exit.value
  }

  return {
    withOptions: (options) => spawner({ ...plan, ...withOptions(plan, options) }),
    withContext: (values) => spawner({ ...plan, ...withContext(plan, values) }),
    withActor: (actor) => spawner({ ...plan, actor }),
    withScope: (scope) => spawner({ ...plan, scope: policiesOf(scope) }),
    withName: (name) => spawner({ ...plan, name }),
    withMessage: (topic, payload) => {
      checkTopic(topic)
      return spawner({ ...plan, messages: [...(plan.messages ?? []), { topic, payload: snapshot(payload) }] })
    },
    spawn: (id, host, ...args) => start(id, host, args, {}),
    spawnMonitored: (id, host, ...args) => start(id, host, args, event()),
    spawnLinked: (id, host, ...args) => start(id, host, args, link()),
    spawnLinkedMonitored: (id, host, ...args) => start(id, host, args, { ...event(), ...link() }),
    exec,
  }
}

/** Waits for an exit. On timeout or abort, terminates the process first. */
async function ending(pid: Pid, exit: Promise<Exit>, options: CallOptions): Promise<Exit> {
  const { signal } = options
  const timeout = timeoutOf(options)
  let reason: TroupeError | undefined
  const giveUp = (why: 'late' | 'aborted') => {
    reason =
      why === 'late'
        ? new TroupeError('Timeout', `${pid} did not end in ${timeout} ms`)
        : new TroupeError('Canceled', `${pid} was cancelled by its caller`, { cause: signal?.reason })
    return reason
  }
  try {
    return await bounded(exit, { ms: timeout, signal }, giveUp)
  } catch (error) {
    if (error !== reason || reason === undefined) throw error
  }
  await processes.terminate(pid).catch((error: unknown) => {
    // The process ended in the meantime.
    if (!(error instanceof TroupeError && error.kind === 'NotFound')) throw error
  })
  return { error: reason }
}

function ownProcess(what: string): LocalProcess {
  const participant = currentParticipant()
  if (participant instanceof LocalProcess) return participant
  throw invalid(`only a process can ${what} another; use processes.exited() from functions and programs`)
}

/** Returns a pid at once; looks a name up in the kernel. */
async function find(to: string): Promise<Pid> {
  if (isPid(to)) return to
  const pid = await names.lookup(to)
  if (pid === undefined) throw notFound(`no process has the name "${to}"`, { name: to })
  return pid
}

/** Like `find`, after the kernel has allowed `by` to perform `action` on it. */
async function findFor(by: Participant, action: string, to: string): Promise<Pid> {
  const pid = await find(to)
  await currentRuntime().permissions.ask(by, action, pid)
  return pid
}

function outgoing(to: Pid, topic: string, payload: unknown, options: SendOptions) {
  return { to, topic, payload, frame: currentFrame() ?? frameInForce(), transfer: options.transfer ?? [] }
}

/** Default timeout of a call, in milliseconds. */
const callTimeout = 30_000

function ms(timeout: number | string | undefined): number {
  if (timeout !== undefined) return milliseconds(timeout)
  const deadline = currentFrame()?.deadline
  return deadline === undefined ? callTimeout : Math.min(callTimeout, Math.max(0, deadline - Date.now()))
}

/** Spawns processes, sends messages to them, watches and stops them. All of it throws `Invalid` outside an application. */
export const processes = {
  ...spawner(emptySelection),
  /** Names of processes. */
  names,
  /** Groups of processes. */
  groups,
  /** Supervisors of processes, and their children. */
  supervisors,

  /**
   * Sends a message. Settles when the receiver's mailbox has accepted it; waits while the mailbox is full. If `to` is a
   * name and its process ends before it has accepted the message, the name is looked up once more.
   *
   * @throws TroupeError `NotFound` when the process does not exist; `Invalid` for a payload that cannot be cloned or a
   * reserved topic.
   */
  send(to: string, topic: string, payload?: unknown, options: SendOptions = {}): Promise<void> {
    const runtime = currentRuntime()
    const by = currentParticipant()
    if (isPid(to) && !by.policyEnforced) return runtime.router.send(by, outgoing(to, topic, payload, options))
    try {
      checkTopic(topic)
      return runtime.router.sendByName(by, to, async () => findFor(by, 'process.send', to), {
        topic,
        frame: frameInForce(),
        payload,
        transfer: [],
        packed: pack(payload, options.transfer ?? []),
      })
    } catch (error) {
      return Promise.reject(error)
    }
  },

  /**
   * Sends a message if there is room for it now. Takes a pid, not a name.
   *
   * @returns false when the mailbox is full or the process is known to have ended. For a process in another thread,
   * also beyond four messages, until that thread has reported its free room. Where policies are in force, also until
   * the kernel has allowed it.
   */
  trySend(to: Pid, topic: string, payload?: unknown, options: SendOptions = {}): boolean {
    const { router, permissions } = currentRuntime()
    const by = currentParticipant()
    const asked = permissions.ask(by, 'process.send', to)
    if (asked === undefined) return router.trySend(by, outgoing(to, topic, payload, options))
    // This function cannot wait. A caller that is denied gets the error from `send`.
    asked.catch(() => undefined)
    return false
  },

  /**
   * Sends a message and waits for its reply.
   *
   * @throws TroupeError `NotFound` as soon as the callee has ended; `Timeout` when no reply came in time; `Unavailable`
   * when a selective receive of the callee skipped the message and there was no more room for it; `Invalid` for a call
   * to the caller itself, which would wait for its own reply.
   */
  async call(to: string, topic: string, payload?: unknown, options: ProcessCallOptions = {}): Promise<unknown> {
    const runtime = currentRuntime()
    const by = currentParticipant()
    const frame = frameInForce()
    const timeout = ms(options.timeout)
    const transfer = options.transfer ?? []
    if (isPid(to) && !by.policyEnforced) return runtime.router.call(by, { to, topic, payload, frame, transfer }, timeout)
    const packed = pack(payload, transfer)
    const pid = await findFor(by, 'process.send', to)
    return runtime.router.call(by, { to: pid, topic, payload, frame, transfer, packed }, timeout)
  },

  /**
   * Ends a process at once, whatever it is doing. Its EXIT carries a `Canceled` error. Messages that were sent to it
   * earlier arrive first.
   *
   * @throws TroupeError `NotFound` when the process does not exist; `PermissionDenied`.
   */
  async terminate(to: string): Promise<void> {
    const runtime = currentRuntime()
    const by = currentParticipant().pid
    const pid = await find(to)
    await runtime.router.posted(pid)
    await runtime.kernel.request('terminate', { pid }, by)
  },

  /**
   * Asks a process to stop: its `self.signal` aborts, its inbox ends, and it gets a CANCEL event. The process decides
   * how to react. Messages that were sent to it earlier arrive first.
   *
   * @throws TroupeError `NotFound` when the process does not exist; `PermissionDenied`.
   */
  async cancel(to: string, reason = 'it was asked to stop'): Promise<void> {
    const runtime = currentRuntime()
    const by = currentParticipant().pid
    const pid = await find(to)
    await runtime.router.posted(pid)
    await runtime.kernel.request('cancel', { pid, reason }, by)
  },

  /**
   * Requests an EXIT event when a process ends. The event comes at once if the process does not exist.
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
   * @throws TroupeError `Invalid` outside a process; `NotFound` for an unknown name; `PermissionDenied`.
   */
  async unmonitor(to: string): Promise<void> {
    const { pid } = ownProcess('unmonitor')
    currentRuntime().links.unmonitor(await findFor(currentParticipant(), 'process.unmonitor', to), pid)
  },

  /**
   * Links this process with another: when either ends with an error, the other ends too, unless it traps links.
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
