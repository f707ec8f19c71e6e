/**
 * Payloads: what structured clone can carry, and errors. A payload is copied when it is sent, so that the sender may go on changing its own;
 * the copy is in the form that crosses threads (`valueToWire`), and its receiver opens it with {@link unpack}.
 */
import { invalid, TroupeError, valueFromWire, valueToWire } from '@troupe/core'
import type { Transferable } from 'node:worker_threads'

/** What may be moved instead of copied (HTML, transferable objects). */
export type Transfer = readonly Transferable[]

/**
 * A copy of `payload` that shares nothing with it, in the form that crosses threads.
 *
 * @throws TroupeError `Invalid`, naming the path, for a function, a symbol and anything else that cannot be carried, or would arrive empty.
 */
export function snapshot(payload: unknown): unknown {
  return valueToWire(payload)
}

/** The payload of a {@link snapshot}, which is used up by that. */
export const unpack = valueFromWire

/** A {@link snapshot} of each argument of a spawn or a call. @throws TroupeError `Invalid`, naming the argument and the path. */
export function snapshotArguments(args: readonly unknown[]): unknown[] {
  return args.map((arg, index) => {
    try {
      return snapshot(arg)
    } catch (error) {
      if (!(error instanceof TroupeError)) throw error
      throw new TroupeError(error.kind, `argument ${index + 1}: ${error.message}`, { details: error.details })
    }
  })
}

/** The arguments of {@link snapshotArguments}, which are used up by that. */
export function unpackArguments(args: readonly unknown[]): unknown[] {
  return args.map(unpack)
}

/** A payload on its way, with the objects in it that are moved rather than copied. */
export interface Packed {
  readonly payload: unknown
  readonly transfer: Transfer
}

/** Like {@link snapshot}, but moves what `transfer` lists: the sender loses it now, wherever the message may wait. */
export function pack(payload: unknown, transfer: Transfer): Packed {
  if (transfer.length === 0) return { payload: snapshot(payload), transfer }
  const packed = { payload: valueToWire(payload, new Set(transfer)), transfer: [...transfer] }
  try {
    return structuredClone(packed, { transfer: packed.transfer })
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw invalid(`the payload cannot be cloned at payload: ${reason}`, { path: 'payload' })
  }
}
