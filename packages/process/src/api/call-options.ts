/**
 * The options that `with…` builders collect for a spawn or a call: validated once, passed to the kernel as plain data.
 */
import {
  type Actor,
  childTrace,
  currentFrame,
  type EntryId,
  entryId,
  emptyFrame,
  invalid,
  parseDuration,
  type Span,
} from '@troupe/core'
import type { NetworkId } from '@troupe/core/entries'
import { snapshot } from '../mailbox/payload.ts'
import type { ChosenContext, InheritedContext } from '../protocol/programs.ts'
import { checkValues } from '../protocol/context-limits.ts'

/** Options of a spawn or a call. */
export interface CallOptions<Network extends string = string> {
  /**
   * The overlay for the call or spawn and for all work started under it; `null` for the clear network. An empty string
   * chooses nothing.
   */
  readonly network?: NetworkId<Network> | null
  /** Timeout of the whole operation: milliseconds, or a duration such as `5s`. @default none */
  readonly timeout?: number | string
  /** Cancels the operation. */
  readonly signal?: AbortSignal
}

/** The collected options. Immutable: each `with…` returns a new selection. */
export interface Selection {
  readonly options: CallOptions
  readonly values: Readonly<Record<string, unknown>>
  readonly actor?: Actor
  readonly scope?: readonly EntryId[]
}

const noValues: Selection['values'] = Object.freeze({})

/** A selection without any choice. */
export const emptySelection: Selection = Object.freeze({ options: Object.freeze({}), values: noValues })

/** @throws TroupeError `Invalid`, naming the wrong option. */
export function withOptions(selection: Selection, options: CallOptions): Selection {
  for (const key of Object.keys(options)) {
    if (key !== 'network' && key !== 'timeout' && key !== 'signal')
      throw invalid(`options.${key} is unknown: expected network, timeout or signal`, { path: key })
  }
  const { network } = options
  if (typeof network === 'string' && network !== '') entryId(network)
  else if (network !== undefined && network !== null && network !== '')
    throw invalid('options.network is not an overlay id', { path: 'network' })
  timeoutOf(options)
  return Object.freeze({ ...selection, options: Object.freeze({ ...selection.options, ...options }) })
}

/** @throws TroupeError `Invalid`, naming the value that exceeds a limit. */
export function withContext(selection: Selection, values: Readonly<Record<string, unknown>>): Selection {
  const all = { ...selection.values, ...snapshotValues(values) }
  checkValues(all)
  return Object.freeze({ ...selection, values: Object.freeze(all) })
}

/** `options.timeout` in milliseconds. */
export function timeoutOf({ timeout }: CallOptions): number | undefined {
  if (timeout === undefined) return undefined
  const ms = typeof timeout === 'string' ? parseDuration(timeout) : timeout
  if (!(ms > 0)) throw invalid('options.timeout must be greater than 0', { path: 'timeout', timeout })
  return ms
}

const noChoice: ChosenContext = Object.freeze({})

/** The chosen options, in the form that the kernel takes. */
export function chosenOf({ options, actor, scope }: Selection): ChosenContext {
  const { network } = options
  if (network === undefined && actor === undefined && scope === undefined) return noChoice
  return {
    ...(network !== undefined && network !== '' && { network: network === null ? null : entryId(network) }),
    ...(actor && { actor }),
    ...(scope && { scope }),
  }
}

/** What the started process or call inherits from the caller's frame. @param span - Of the start or the call. */
export function inheritedContext(selection: Selection, span?: Span): InheritedContext {
  const timeout = timeoutOf(selection.options)
  const { overlay, values, deadline, trace, traceState } = currentFrame() ?? emptyFrame
  return {
    overlay,
    values: selection.values === noValues ? values : Object.freeze({ ...values, ...selection.values }),
    deadline: timeout === undefined ? deadline : Math.min(deadline ?? Number.POSITIVE_INFINITY, Date.now() + timeout),
    trace: span === undefined ? trace && childTrace(trace) : span.trace,
    traceState: span === undefined ? traceState : span.traceState,
  }
}

/**
 * A copy in the form that crosses threads; the reader of the frame decodes it. Each value is copied separately, so that
 * errors name it.
 */
function snapshotValues(values: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, snapshot(value)]))
}
