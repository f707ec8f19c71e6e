/** The API for functions: call them by id. */
import { type Actor, type EntryId, entryId, errorFromWire, type Pid, type TroupeError } from '@troupe/core'
import type { ArgumentsOf, FunctionEntries, IdIn, ResultOf } from '@troupe/core/entries'
import { policiesOf, type Scope } from '@troupe/policy'
import {
  type CallAnswer,
  type CallOptions,
  chosenOf,
  currentParticipant,
  currentRuntime,
  emptySelection,
  inheritedContext,
  type Selection,
  snapshotArguments,
  unpack,
  withContext,
  withOptions,
} from '@troupe/process'
import { boundedCall, cancelled } from './bounded-call.ts'
import { callInline } from './inline-call.ts'

/** Calls functions, in a frame that `with…` can change. Immutable: each `with…` returns a new one. */
export interface Caller {
  /** Chooses the overlay for the call and all beneath it, a timeout for the whole, a signal that cancels it. */
  withOptions(options: CallOptions): Caller
  /** Adds values to the frame. */
  withContext(values: Readonly<Record<string, unknown>>): Caller
  /** Lets the function act for `actor` instead of the caller's. */
  withActor(actor: Actor): Caller
  /** Puts policies in force for it, instead of the caller's. */
  withScope(scope: Scope): Caller
  /**
   * Calls the function of entry `id` and answers what it returns. It runs in the caller's frame: overlay, actor, scope, values, deadline.
   *
   * Of ids that `entries.d.ts` knows (`troupe types` writes it), the compiler checks the arguments and knows the result.
   *
   * Cancelled, or past its deadline, the call rejects at once; the function sees `self.signal` abort. One that does not come back within a
   * second then is ended together with its thread, which no other call runs in but those that it made itself.
   *
   * @throws what the function throws; TroupeError `NotFound` for an unknown entry, method or overlay, `PermissionDenied`, `Invalid` for
   * arguments or a result that cannot be cloned, `Unavailable` when too many calls wait, `Timeout`, `Canceled`, `Internal` or `Unknown`
   * when its thread ended under it.
   */
  call<Id extends IdIn<FunctionEntries>>(id: Id, ...args: ArgumentsOf<FunctionEntries, Id>): Promise<ResultOf<FunctionEntries, Id>>
}

/** Functions, called by id: `await funcs.call('app:fetch_ip', url)`. */
export const funcs: Caller = caller(emptySelection)

/** Callers that each caller keeps, by overlay. */
const maxKept = 64

function caller(selection: Selection): Caller {
  // What comes back is what the entry's function answered: its type is the one that `entries.d.ts` tells.
  function callTyped<Id extends IdIn<FunctionEntries>>(
    id: Id,
    ...args: ArgumentsOf<FunctionEntries, Id>
  ): Promise<ResultOf<FunctionEntries, Id>>
  async function callTyped(id: string, ...args: unknown[]): Promise<unknown> {
    return call(selection, id, args)
  }
  const throughOverlays = new Map<string, Caller>()
  const withNetwork = (network: string): Caller => {
    const known = throughOverlays.get(network)
    if (known !== undefined) return known
    const made = caller(withOptions(selection, { network }))
    if (throughOverlays.size < maxKept) throughOverlays.set(network, made)
    return made
  }
  return Object.freeze({
    // Code that handles one request mostly chooses an overlay and nothing else, anew for each.
    withOptions: (options: CallOptions) => {
      const overlay = overlayAlone(options)
      return overlay === undefined ? caller(withOptions(selection, options)) : withNetwork(overlay)
    },
    withContext: (values: Readonly<Record<string, unknown>>) => caller(withContext(selection, values)),
    withActor: (actor: Actor) => caller({ ...selection, actor }),
    withScope: (scope: Scope) => caller({ ...selection, scope: policiesOf(scope) }),
    call: callTyped,
  })
}

/** The overlay, where that is all that the options choose. */
function overlayAlone(options: CallOptions): string | undefined {
  for (const key in options) if (key !== 'network') return undefined
  return options.network ?? undefined
}

async function call(selection: Selection, id: string, args: readonly unknown[]): Promise<unknown> {
  const entry = entryId(id)
  const { calls } = currentRuntime()
  // A change of actor or scope is the kernel's to issue.
  const isFree =
    selection.actor === undefined && selection.scope === undefined && !currentParticipant().policyEnforced && staysHere(selection)
  const program = isFree ? calls.inline(entry) : undefined
  return program === undefined ? callByKernel(selection, entry, args) : callInline(selection, program, args)
}

/** Whether the call runs in the network of this thread, as far as its caller chose one. */
function staysHere({ options: { network } }: Selection): boolean {
  return network === undefined || network === '' || network === currentRuntime().network?.overlay
}

async function callByKernel(selection: Selection, entry: EntryId, args: readonly unknown[]): Promise<unknown> {
  const { kernel, calls } = currentRuntime()
  const { pid: by } = currentParticipant()
  const inherit = inheritedContext(selection)
  const { signal } = selection.options
  if (signal?.aborted === true) throw cancelled(entry, signal)
  const question = { entry, args: snapshotArguments(args), choice: chosenOf(selection), inherit }
  let givenUp: TroupeError | undefined
  let here: Pid | undefined
  const { number, answer } = kernel.ask('call', question, by, true)

  const settle = async (answered: CallAnswer): Promise<unknown> => {
    if ('value' in answered) return unpack(answered.value)
    const { run, inline } = answered
    if (inline) calls.learn(run.program)
    here = run.pid
    const exit = givenUp === undefined ? await calls.run(run, question.args) : { value: undefined }
    kernel.notify({ type: 'finished', pid: here, exit: 'error' in exit ? exit : { value: undefined } })
    if ('error' in exit) throw errorFromWire(exit.error)
    return unpack(exit.value)
  }

  if (signal === undefined && inherit.deadline === undefined) return settle(await answer)
  return boundedCall(answer.then(settle), { what: entry, signal, deadline: inherit.deadline }, (reason) => {
    givenUp = reason
    if (here !== undefined) calls.abandon(here, reason)
    // Whether that comes in time, or at all, makes no difference to the caller any more.
    kernel.request('cancelCall', { request: number }, by).catch(() => undefined)
  })
}
