/** Starts processes: in this thread, where that is allowed without the kernel, or by the kernel. */
import { bounded, entryId, isTracing, type Pid, type Span, traced, TroupeError, yielding } from '@troupe/core'
import type { HostId, PidOf, ProcessArguments, ProcessId, ProcessResult } from '@troupe/core/entries'
import { policiesOf } from '@troupe/policy'
import { snapshot, snapshotArguments } from '../mailbox/payload.ts'
import type { FirstMessage, Watcher } from '../protocol/programs.ts'
import { currentRuntime } from '../thread/current.ts'
import { checkTopic } from '../thread/messaging/send-errors.ts'
import { currentParticipant } from '../thread/participant.ts'
import type { Exit } from '../thread/process/event-queue.ts'
import { LocalProcess } from '../thread/process/local-process.ts'
import {
  type CallOptions,
  chosenOf,
  inheritedContext,
  type Selection,
  timeoutOf,
  withContext,
  withOptions,
} from './call-options.ts'
import { spawnSpan } from '../thread/spans.ts'
import { ownProcess, terminate } from './find-process.ts'
import type { Spawn, Spawner, WatchedProcess } from './spawner.ts'

interface SpawnPlan extends Selection {
  readonly name?: string
  readonly messages?: readonly FirstMessage[]
}

interface LinkOptions {
  readonly monitor?: Watcher
  readonly link?: Pid
}

export function spawner(plan: SpawnPlan): Spawner {
  const start = async (id: string, host: string, args: readonly unknown[], linkOptions: LinkOptions): Promise<Pid> => {
    const span = isTracing() ? spawnSpan(id, host) : undefined
    return span === undefined
      ? startIn(undefined, id, host, args, linkOptions)
      : traced(span, async () => startIn(span, id, host, args, linkOptions))
  }
  const startIn = async (
    span: Span | undefined,
    id: string,
    host: string,
    args: readonly unknown[],
    linkOptions: LinkOptions,
  ): Promise<Pid> => {
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
      inherit: inheritedContext(plan, span),
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
    const spawned = runtime.links.spawning(by.pid, {
      ...(linkOptions.monitor && { monitor: linkOptions.monitor }),
      ...(link && { link }),
    })
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
  // The types of arguments, pids and results come from `entries.d.ts`.
  const spawn = (linkOptions: () => LinkOptions): Spawn => {
    function spawnTyped<const Id extends string, const Host extends string>(
      id: ProcessId<Id>,
      host: HostId<Host>,
      ...args: ProcessArguments<Id>
    ): Promise<PidOf<Id>>
    function spawnTyped(id: string, host: string, ...args: unknown[]): Promise<Pid> {
      return start(id, host, args, linkOptions())
    }
    return spawnTyped
  }
  const watched = async (id: string, host: string, args: readonly unknown[]): Promise<WatchedProcess> => {
    const watch = currentRuntime().links.promise(currentParticipant().pid)
    const pid = await start(id, host, args, { monitor: watch.watcher }).catch((error: unknown) => {
      watch.forget()
      throw error
    })
    return { pid, exited: watch.exit }
  }
  function spawnWatched<const Id extends string, const Host extends string>(
    id: ProcessId<Id>,
    host: HostId<Host>,
    ...args: ProcessArguments<Id>
  ): Promise<WatchedProcess<PidOf<Id>>>
  function spawnWatched(id: string, host: string, ...args: unknown[]): Promise<WatchedProcess> {
    return watched(id, host, args)
  }
  function exec<const Id extends string, const Host extends string>(
    id: ProcessId<Id>,
    host: HostId<Host>,
    ...args: ProcessArguments<Id>
  ): Promise<ProcessResult<Id>>
  async function exec(id: string, host: string, ...args: unknown[]): Promise<unknown> {
    const { pid, exited } = await watched(id, host, args)
    const exit = await ending(pid, exited, plan.options)
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
    spawn: spawn(() => ({})),
    spawnMonitored: spawn(event),
    spawnWatched,
    spawnLinked: spawn(link),
    spawnLinkedMonitored: spawn(() => ({ ...event(), ...link() })),
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
  await terminate(pid).catch((error: unknown) => {
    // The process ended in the meantime.
    if (!(error instanceof TroupeError && error.kind === 'NotFound')) throw error
  })
  return { error: reason }
}
