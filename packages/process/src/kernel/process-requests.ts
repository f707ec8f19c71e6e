/** Requests about processes: starting and ending them, and their programs. */
import { invalid, type Pid, type TraceContext } from '@troupe/core'
import { spawnStart } from '../thread/spans.ts'
import type { KnownProgram } from '../protocol/programs.ts'
import type { Requests } from '../protocol/requests.ts'
import type { KernelParts } from './kernel-parts.ts'
import { noteClaim, sealedPlace, sealedSpan, type SealedWork } from './observation/sealed-spans.ts'
import type { ProcessRecord } from './process-table.ts'
import type { OwnHandlers, Requester } from './request-handler.ts'
import type { Thread } from '../worker-threads/thread.ts'

type Parts = Pick<
  KernelParts,
  'authorizer' | 'cancel' | 'discovery' | 'frames' | 'processes' | 'program' | 'spawn' | 'terminate'
>

type ProcessRequest = 'spawn' | 'terminate' | 'cancel' | 'program' | 'upgrade'

export function processHandlers(kernel: Parts): Pick<OwnHandlers, ProcessRequest> {
  const { authorizer, discovery, processes } = kernel
  const target = async (record: ProcessRecord, action: string, pid: Pid) =>
    authorizer.target(record, action, pid, async (sought) => discovery.find(sought))
  return {
    spawn: (ask, requester) => ({ pid: tracedSpawn(kernel, ask, requester) }),
    terminate: async ({ pid }, { record }) => {
      authorizer.checkTarget(record, 'process.terminate', await target(record, 'process.terminate', pid))
      await kernel.terminate(pid)
    },
    cancel: async ({ pid, reason }, { record }) => {
      authorizer.checkTarget(record, 'process.cancel', await target(record, 'process.cancel', pid))
      await kernel.cancel(pid, reason)
    },
    program: ({ entry }, { record, thread }) => {
      authorizer.checkProgram(record, entry)
      const known = kernel.program(entry)
      thread.programs.add(entry)
      return known
    },
    upgrade: ({ entry }, { record, thread }) => {
      authorizer.checkProgram(record, entry)
      checkPin(kernel.program(entry), record, thread)
      processes.upgrade(record, entry)
    },
  }
}

/** A thread without an SDK has the span of its spawn from the kernel. */
function tracedSpawn(kernel: Parts, ask: Requests['spawn']['ask'], requester: Requester): Pid {
  const { record, thread } = requester
  const work = { thread, frame: record.frame, inherit: ask.inherit }
  const span = sealedSpan(work, () => spawnStart(ask.entry, ask.host))
  try {
    const pid = spawn(kernel, ask, requester, work, sealedPlace(work, span))
    span?.end()
    return pid
  } catch (error) {
    span?.end(error)
    throw error
  }
}

function spawn(
  kernel: Parts,
  ask: Requests['spawn']['ask'],
  { record, thread }: Requester,
  work: SealedWork,
  place: TraceContext | undefined,
): Pid {
  const { entry, host, args, choice, inherit, name, monitor, link } = ask
  const caller = { frame: record.frame, thread: thread.number }
  kernel.authorizer.checkSpawn(record, ask)
  const overlay = kernel.frames.overlay(caller, choice, kernel.program(entry).pin, inherit)
  const sender = {
    from: record.pid,
    frame: kernel.frames.inTrace(kernel.frames.forCall(record.frame, record.frame.overlay, {}, inherit), place),
  }
  const frame = kernel.frames.inTrace(kernel.frames.forProcess(record.frame, overlay, choice, inherit), place)
  noteClaim(work, frame)
  return kernel.spawn({
    entry,
    host,
    args,
    frame,
    from: thread,
    by: record.pid,
    messages: (ask.messages ?? []).map((message) => ({ ...message, ...sender })),
    ...(name !== undefined && { name }),
    ...(monitor && { monitor: { ...monitor, pid: record.pid } }),
    ...(link !== undefined && { link: record.pid }),
  })
}

/** A process stays in its network, regardless of the program that it runs. @throws TroupeError `Invalid` */
function checkPin({ pin }: KnownProgram, { pid }: ProcessRecord, { network }: Thread): void {
  if (pin === undefined || pin === network?.overlay) return
  throw invalid(`${pid} cannot become an entry that is pinned to another network: start a new process`, { pin })
}
