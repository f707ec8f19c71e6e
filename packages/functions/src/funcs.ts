/** The API for functions: calls them by id. */
import {
  type Actor,
  type EntryId,
  entryId,
  errorFromWire,
  isTracing,
  type Pid,
  type Span,
  traced,
  type TroupeError,
} from '@troupe/core'
import type { FunctionArguments, FunctionId, FunctionResult } from '@troupe/core/entries'
import { policiesOf, type Scope } from '@troupe/policy'
import {
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
import { callSpan } from './spans.ts'
import type { CallAnswer } from './protocol.ts'
import { runningCalls } from './worker/running-calls.ts'

/** Calls functions in a frame that the `with…` methods can change. Immutable: each `with…` returns a new caller. */
export interface Caller {
  /**
   * Returns a caller with an overlay for the call and all calls inside it, a timeout for the whole, and a signal that
   * cancels it.
   *
   * @example
   * ```ts
   * const ip = await funcs.withOptions({ network: 'app:tor', timeout: '5s' }).call('app:fetch_ip')
   * ```
   */
  withOptions<const Network extends string>(options: CallOptions<Network>): Caller
  /**
   * Returns a caller that adds values to the frame.
   *
   * @example
   * ```ts
   * await funcs.withContext({ order: 7 }).call('app:ship')
   * ```
   */
  withContext(values: Readonly<Record<string, unknown>>): Caller
  /**
   * Returns a caller whose functions act for `actor` instead of the current actor.
   *
   * @example
   * ```ts
   * await funcs.withActor(security.newActor('ann')).call('app:report')
   * ```
   */
  withActor(actor: Actor): Caller
  /**
   * Returns a caller whose functions run under the policies of `scope` instead of the current ones.
   *
   * @example
   * ```ts
   * await funcs.withScope(await security.namedScope('readers')).call('app:report')
   * ```
   */
  withScope(scope: Scope): Caller
  /**
   * Calls the function of entry `id` and returns its result. The function runs in the caller's frame: overlay, actor,
   * scope, values, deadline.
   *
   * With `entries.d.ts` (`troupe types` writes it), the compiler checks the id and the arguments, and knows the result
   * type.
   *
   * When the call is cancelled or its deadline passes, it rejects at once, and the function sees `self.signal` abort.
   * If the function does not return within one second after that, its thread is ended. No other call runs in that
   * thread, except those that the function made itself.
   *
   * @example
   * ```ts
   * const small = await funcs.call('app:resize', 'cat.png', 640)
   * ```
   *
   * @throws the error of the function; TroupeError `NotFound` for an unknown entry, method or overlay,
   *   `PermissionDenied`, `Invalid` for arguments or a result that cannot be cloned, and for calls nested 1000 deep,
   *   `Unavailable` when too many calls wait, `RateLimited` when the pool serves as many isolation keys as it may,
   *   `Timeout`, `Canceled`, `Internal` or `Unknown` when its thread ended during the call.
   */
  call<const Id extends string>(id: FunctionId<Id>, ...args: FunctionArguments<Id>): Promise<FunctionResult<Id>>
}

/**
 * Calls functions by id: `await funcs.call('app:fetch_ip', url)`. Its methods and errors are those of {@link Caller}.
 *
 * @example
 * ```ts
 * const small = await funcs.call('app:resize', 'cat.png', 640)
 * ```
 */
export const funcs: Caller = caller(emptySelection)

/** Maximum number of derived callers that each caller caches, one for each overlay. */
const maxKept = 64

function caller(selection: Selection): Caller {
  // The entry's function made this value: its type is the one in `entries.d.ts`.
  function callTyped<const Id extends string>(
    id: FunctionId<Id>,
    ...args: FunctionArguments<Id>
  ): Promise<FunctionResult<Id>>
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
    // Code that handles requests mostly selects only an overlay, and does so for each request: such callers are cached.
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

/** Returns the overlay if the options select nothing else. */
function overlayAlone(options: CallOptions): string | undefined {
  for (const key in options) if (key !== 'network') return undefined
  return options.network ?? undefined
}

async function call(selection: Selection, id: string, args: readonly unknown[]): Promise<unknown> {
  const entry = entryId(id)
  const span = isTracing() ? callSpan(entry) : undefined
  return span === undefined
    ? callIn(undefined, selection, entry, args)
    : traced(span, async () => callIn(span, selection, entry, args))
}

async function callIn(
  span: Span | undefined,
  selection: Selection,
  entry: EntryId,
  args: readonly unknown[],
): Promise<unknown> {
  const calls = runningCalls(currentRuntime())
  // Only the kernel can issue a frame with another actor or scope.
  const isFree =
    selection.actor === undefined &&
    selection.scope === undefined &&
    !currentParticipant().policyEnforced &&
    staysHere(selection)
  const program = isFree ? calls.inline(entry) : undefined
  return program === undefined ? callByKernel(span, selection, entry, args) : callInline(span, selection, program, args)
}

/** Returns whether the call runs in the network of this thread, judged by the caller's choice alone. */
function staysHere({ options: { network } }: Selection): boolean {
  return network === undefined || network === '' || network === currentRuntime().network?.overlay
}

async function callByKernel(
  span: Span | undefined,
  selection: Selection,
  entry: EntryId,
  args: readonly unknown[],
): Promise<unknown> {
  const runtime = currentRuntime()
  const { kernel } = runtime
  const calls = runningCalls(runtime)
  const { pid: by } = currentParticipant()
  const inherit = inheritedContext(selection, span)
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
    // It no longer matters to the caller whether this request arrives in time, or at all.
    if (!kernel.withdraw(number)) kernel.request('cancelCall', { request: number }, by).catch(() => undefined)
  })
}
