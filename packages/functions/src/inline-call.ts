/**
 * Runs calls in the caller's thread without a request to the kernel. The kernel has stated before that such an entry
 * needs no decision. The call acts under the caller's id, so the kernel decides its requests as if the caller had made
 * them.
 */
import {
  currentFrame,
  emptyFrame,
  entryId,
  type EntryId,
  errorToWire,
  type Frame,
  fork,
  type Span,
  traceChange,
  yielding,
} from '@troupe/core'
import {
  currentParticipant,
  currentRuntime,
  LocalTask,
  type Participant,
  type Program,
  type Selection,
  snapshotArguments,
  timeoutOf,
} from '@troupe/process'
import { boundedCall, cancelled } from './bounded-call.ts'
import { checkDepth } from './call-depth.ts'
import { runningCalls } from './worker/running-calls.ts'

/** Overlays that the kernel allowed code to select, by the frame that it had issued: it would decide the same again. */
const chosen = new WeakMap<Frame, Set<EntryId | null>>()

/** @param span - Of the call. */
export async function callInline(
  span: Span | undefined,
  selection: Selection,
  program: Program,
  args: readonly unknown[],
): Promise<unknown> {
  const { entry } = program
  const { signal, network } = selection.options
  if (signal?.aborted === true) throw cancelled(entry, signal)
  const caller = currentParticipant()
  const depth = caller instanceof LocalTask ? caller.depth : 0
  checkDepth(entry, depth)
  const copies = snapshotArguments(args)
  const overlay = network === '' || network === undefined || network === null ? network : entryId(network)
  if (overlay !== undefined && overlay !== '' && chosen.get(caller.frame)?.has(overlay) !== true)
    await choose(caller, overlay)
  const own = frameOf(selection, overlay === '' ? undefined : overlay)
  const frame = span === undefined ? own : fork(own, traceChange(span))
  const runtime = currentRuntime()
  const call = new LocalTask({ pid: caller.pid, runtime, entry, issued: caller.frame, frame, depth: depth + 1 })
  const value = runningCalls(runtime).runInline(call, program, copies)
  value.catch((error: unknown) => {
    runtime.kernel.failed(caller.pid, entry, errorToWire(error))
  })
  const settled = boundedCall(value, { what: entry, signal, deadline: frame.deadline }, (reason) => {
    call.cancel(reason.message)
    call.fail(reason)
  })
  return yielding(settled)
}

/** @throws TroupeError `NotFound`, `PermissionDenied` */
async function choose({ pid, frame }: Participant, overlay: EntryId | null): Promise<void> {
  await currentRuntime().kernel.request('select', { overlay }, pid)
  const known = chosen.get(frame)
  if (known === undefined) chosen.set(frame, new Set([overlay]))
  else known.add(overlay)
}

/** The last frame that differs from another by its overlay alone: a call in a loop needs the same one repeatedly. */
let last: { readonly from: Frame; readonly to: Frame } | undefined

function through(from: Frame, overlay: EntryId | null): Frame {
  if (last?.from === from && last.to.overlay === overlay) return last.to
  const to = fork(from, { overlay })
  last = { from, to }
  return to
}

function frameOf(selection: Selection, overlay: EntryId | null | undefined): Frame {
  const frame = currentFrame() ?? emptyFrame
  const timeout = timeoutOf(selection.options)
  const { values } = selection
  const changesValues = Object.keys(values).length > 0
  if (timeout === undefined && !changesValues) return overlay === undefined ? frame : through(frame, overlay)
  return fork(frame, {
    ...(overlay !== undefined && { overlay }),
    ...(changesValues && { values }),
    ...(timeout !== undefined && { deadline: Date.now() + timeout }),
  })
}
