/** For what a driver itself opens on this machine, or to a place that the operator configured: the way there is no overlay's. */
import { currentFrame, emptyFrame, fork, runInFrame } from '@troupe/core'
import { unasked } from '../guard/consent.ts'

/** Runs `fn` as if the clear network were in force. Nothing that belongs to user code may be opened in it. */
export function inTheClear<T>(fn: () => T): T {
  return runInFrame(fork(currentFrame() ?? emptyFrame, { overlay: null }), () => unasked(fn))
}
