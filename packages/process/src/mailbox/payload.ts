/**
 * Payloads: what structured clone can carry, and errors. A payload is copied when it is sent, so that the sender may
 * change its own afterwards. The copy is in the form that crosses threads (`valueToWire`), and its receiver decodes it
 * with {@link unpack}.
 */
import { invalid, TroupeError, valueFromWire, valueToWire } from '@troupe/core'
import type { Transferable } from 'node:worker_threads'

/** Objects that may be transferred instead of copied (HTML, transferable objects). */
export type Transfer = readonly Transferable[]

/**
 * Returns a copy of `payload` that shares nothing with it, in the form that crosses threads.
 *
 * @throws TroupeError `Invalid`, naming the path, for a function, a symbol and any other value that cannot be carried,
 * or would arrive empty.
 */
export function snapshot(payload: unknown): unknown {
  return valueToWire(payload)
}

/** Returns the payload of a {@link snapshot}. This consumes the snapshot. */
export const unpack = valueFromWire

/**
 * A {@link snapshot} of each argument of a spawn or a call.
 *
 * @throws TroupeError `Invalid`, naming the argument and the path.
 */
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

/** Returns the arguments of {@link snapshotArguments}. This consumes them. */
export function unpackArguments(args: readonly unknown[]): unknown[] {
  return args.map(unpack)
}

/** A payload in transit, with the objects in it that are transferred rather than copied. */
export interface Packed {
  readonly payload: unknown
  readonly transfer: Transfer
}

/**
 * Like {@link snapshot}, but transfers the objects in `transfer`: the sender loses them now, even if the message has to
 * wait.
 */
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
