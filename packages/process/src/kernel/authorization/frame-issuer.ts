/** The frames that the kernel issues: what was chosen, what is inherited, and what the caller may not claim. */
import { emptyFrame, type EntryId, type Frame, fork, type OverlayChoice } from '@troupe/core'
import type { OverlayTable } from '@troupe/network/kernel'
import { checkSelection, directNetwork, type Security } from '@troupe/policy/kernel'
import type { ChosenContext, InheritedContext } from '../../protocol/kernel-thread.ts'
import { CallFrameCache } from './call-frame-cache.ts'
import type { OverlayGrants } from './overlay-grants.ts'
import { always, type Grant, GrantValidity } from './grant-validity.ts'

/** Whose frame is asked for. */
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
  /** Why what inherits this has its overlay, from when that was found out until its frame is made. */
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
   * Lets `caller` choose an overlay, and its thread dial it.
   *
   * @throws TroupeError `NotFound` when there is none, `PermissionDenied`.
   */
  select(caller: Caller, overlay: EntryId | null): void {
    if (overlay !== null) this.#options.overlays.get(overlay)
    checkSelection(this.#options.security, caller.frame, overlay)
    this.#options.grants.grant(caller.thread, overlay, this.#validity.of(caller.frame, overlay))
  }

  /**
   * The overlay for what `caller` starts: its explicit choice, else the pin of the entry, else what it inherits.
   *
   * What it inherits is what the kernel issued to it, whatever the thread says.
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

  /** The frame of a new process: the overlay, the values and the trace are inherited; actor and scope from who is governed by policies. */
  forProcess(caller: Frame, overlay: OverlayChoice, choice: ChosenContext, inherit: InheritedContext): Frame {
    const { values, trace } = inherit
    const { actor, scope } = { ...this.acting(caller), ...choice }
    const change = { overlay, actor, scope, values, ...(trace !== undefined && { trace }) }
    const frame = fork(emptyFrame, change)
    this.#options.grants.record(frame, this.#found.get(inherit) ?? always)
    return frame
  }

  /** The actor and the scope of what who acts in `frame` starts, where it chooses none. */
  acting(frame: Frame): Pick<Frame, 'actor' | 'scope'> {
    const { actor, scope } = this.#options.security.governs(frame) ? frame : emptyFrame
    return { actor, scope }
  }

  /** The frame of a call: all is inherited. */
  forCall(caller: Frame, overlay: OverlayChoice, choice: ChosenContext, inherit: InheritedContext): Frame {
    const { values, trace } = inherit
    const { actor = caller.actor, scope = caller.scope } = choice
    // Work beneath ends no later than what it is done for, whatever a thread says.
    const deadline = Math.min(caller.deadline ?? Number.POSITIVE_INFINITY, inherit.deadline ?? Number.POSITIVE_INFINITY)
    const wanted = { overlay, actor, scope, values, deadline: deadline === Number.POSITIVE_INFINITY ? undefined : deadline, trace }
    const grant = this.#found.get(inherit) ?? always
    const frame = this.#calls.of(caller, wanted, grant)
    this.#options.grants.record(frame, grant)
    return frame
  }

  #grant({ frame }: Caller, { network }: ChosenContext, pin: OverlayChoice): Grant {
    if (network !== undefined) return this.#validity.of(frame, network)
    return pin === undefined ? this.#options.grants.grantOf(frame) : always
  }
}
