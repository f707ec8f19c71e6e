/**
 * Creates the frames that the kernel issues: from what was chosen, what is inherited, and without what the caller may
 * not claim.
 */
import { isDeepStrictEqual } from 'node:util'
import {
  emptyFrame,
  type EntryId,
  type Frame,
  fork,
  type OverlayChoice,
  traceChange,
  type TraceContext,
} from '@troupe/core'
import type { OverlayTable } from '@troupe/network/kernel'
import { checkSelection, directNetwork, type Security } from '@troupe/policy/kernel'
import type { ChosenContext, InheritedContext } from '../../protocol/programs.ts'
import type { OverlayGrants } from './overlay-grants.ts'
import { always, type Grant, GrantValidity } from './grant-validity.ts'

/** The process or call for which a frame is requested. */
export interface Caller {
  readonly frame: Frame
  readonly thread: number
}

export interface FrameIssuerOptions {
  readonly overlays: Pick<OverlayTable, 'get'>
  readonly grants: OverlayGrants
  readonly security: Security
}

export class FrameIssuer {
  readonly empty = emptyFrame
  readonly #options: FrameIssuerOptions
  readonly #validity: GrantValidity
  readonly #calls = new CallFrameCache()
  /** The grant for the overlay of an inherited context, from the check until its frame is created. */
  readonly #found = new WeakMap<InheritedContext, Grant>()

  constructor(options: FrameIssuerOptions) {
    this.#options = options
    const { security } = options
    this.#validity = new GrantValidity({
      get generation() {
        return security.generation
      },
      governs: (frame) => security.governs(frame),
      allows: (frame, overlay) => security.decide(frame, 'network.select', overlay ?? directNetwork) === 'allow',
    })
  }

  /**
   * Allows `caller` to choose an overlay, and its thread to dial it.
   *
   * @throws TroupeError `NotFound` when the overlay does not exist; `PermissionDenied`.
   */
  select(caller: Caller, overlay: EntryId | null): void {
    checkSelection(this.#options.security, caller.frame, overlay)
    if (overlay !== null) this.#options.overlays.get(overlay)
    this.#options.grants.grant(caller.thread, overlay, this.#validity.of(caller.frame, overlay))
  }

  /**
   * Returns the overlay for what `caller` starts: its explicit choice, else the pin of the entry, else the inherited
   * overlay.
   *
   * The inherited overlay is the one that the kernel issued to the caller, whatever the thread claims.
   *
   * @throws TroupeError like {@link select}.
   */
  overlay(caller: Caller, choice: ChosenContext, pin: OverlayChoice, inherit: InheritedContext): OverlayChoice {
    const grant = this.#grant(caller, choice, pin)
    if (grant !== always) this.#found.set(inherit, grant)
    if (choice.network !== undefined) {
      this.select(caller, choice.network)
      return choice.network
    }
    if (pin !== undefined) {
      if (pin !== null) this.#options.overlays.get(pin)
      return pin
    }
    return caller.frame.overlay
  }

  /**
   * Creates the frame of a new process. The overlay, the values and the trace are inherited. Actor and scope are
   * inherited only from callers that policies govern.
   */
  forProcess(caller: Frame, overlay: OverlayChoice, choice: ChosenContext, inherit: InheritedContext): Frame {
    const { values } = inherit
    // A choice without a value is none, also where a thread posts the field: otherwise the child would have no actor.
    const own = this.acting(caller)
    const { actor = own.actor, scope = own.scope } = choice
    const change = { overlay, actor, scope, values, ...traceChange(inherit) }
    const frame = fork(emptyFrame, change)
    this.#options.grants.record(frame, this.#found.get(inherit) ?? always)
    return frame
  }

  /** Creates the frame of a message that was kept while no application ran. */
  restored({ actor, scope, values, overlay }: Pick<Frame, 'actor' | 'scope' | 'values' | 'overlay'>): Frame {
    return fork(emptyFrame, { actor, scope, values, overlay })
  }

  /** The actor and the scope of a process started from `frame` that chooses none. */
  acting(frame: Frame): Pick<Frame, 'actor' | 'scope'> {
    const { actor, scope } = this.#options.security.governs(frame) ? frame : emptyFrame
    return { actor, scope }
  }

  /** Creates the frame of a call: everything is inherited. */
  forCall(caller: Frame, overlay: OverlayChoice, choice: ChosenContext, inherit: InheritedContext): Frame {
    const { values, trace, traceState } = inherit
    const { actor = caller.actor, scope = caller.scope } = choice
    // A call ends no later than the deadline of its caller, whatever a thread claims.
    const deadline = Math.min(caller.deadline ?? Number.POSITIVE_INFINITY, inherit.deadline ?? Number.POSITIVE_INFINITY)
    const wanted = {
      overlay,
      actor,
      scope,
      values,
      deadline: deadline === Number.POSITIVE_INFINITY ? undefined : deadline,
      trace,
      traceState,
    }
    const grant = this.#found.get(inherit) ?? always
    const frame = this.#calls.of(caller, wanted, grant)
    this.#options.grants.record(frame, grant)
    return frame
  }

  /** Returns an issued frame at a place of its trace. It has its overlay for the same reason. */
  inTrace(frame: Frame, place: TraceContext | undefined): Frame {
    if (place === undefined) return frame
    const placed = fork(frame, traceChange(place))
    const { grants } = this.#options
    grants.record(placed, grants.grantOf(frame))
    return placed
  }

  #grant({ frame }: Caller, { network }: ChosenContext, pin: OverlayChoice): Grant {
    if (network !== undefined) return this.#validity.of(frame, network)
    return pin === undefined ? this.#options.grants.grantOf(frame) : always
  }
}

type Values = Frame['values']

/**
 * Frames of calls. Most calls of one caller run in equal frames, so they are created once and a thread receives them
 * once (`FrameEncoder` of `@troupe/core`).
 */
class CallFrameCache {
  readonly #last = new WeakMap<Frame, { readonly frame: Frame; readonly grant: Grant }>()

  /**
   * Returns the frame for a call from `caller` that is to equal `wanted`: the last one, if it is equal. Never returns
   * the caller's own frame, which may be more than a frame (`Security.trust`).
   */
  of(caller: Frame, wanted: Frame, grant: Grant): Frame {
    const last = this.#last.get(caller)
    if (last !== undefined && last.grant === grant && isSame(last.frame, wanted)) return last.frame
    const values = sameValues(wanted.values, caller.values) ? caller.values : Object.freeze({ ...wanted.values })
    const frame = Object.freeze({ ...wanted, values })
    this.#last.set(caller, { frame, grant })
    return frame
  }
}

function isSame(frame: Frame, wanted: Frame): boolean {
  return (
    frame.overlay === wanted.overlay &&
    frame.actor === wanted.actor &&
    frame.scope === wanted.scope &&
    frame.deadline === wanted.deadline &&
    frame.trace === wanted.trace &&
    frame.traceState === wanted.traceState &&
    sameValues(frame.values, wanted.values)
  )
}

function sameValues(a: Values, b: Values): boolean {
  return a === b || (isEmpty(a) ? isEmpty(b) : isDeepStrictEqual(a, b))
}

function isEmpty(values: Values): boolean {
  for (const name in values) if (Object.hasOwn(values, name)) return false
  return true
}
