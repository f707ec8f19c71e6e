/**
 * Frames of calls. Most calls of one caller run in equal frames, so they are created once and a thread receives them
 * once (`FrameEncoder` of `@troupe/core`).
 */
import { isDeepStrictEqual } from 'node:util'
import type { Frame } from '@troupe/core'
import type { Grant } from './grant-validity.ts'

type Values = Frame['values']

export class CallFrameCache {
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
