/**
 * Payloads: what structured clone can carry, and errors. A payload is copied when it is sent, so that the sender may
 * change its own afterwards. The copy is in the form that crosses threads (`valueToWire`), and its receiver decodes it
 * with {@link unpack}.
 */
import { invalid, opaque, TroupeError, valueFromWire, valueToWire, weightOfCopy } from '@troupe/core'
import type { Transferable } from 'node:worker_threads'
import { decodingCost, weightOf } from '../protocol/foreign-handles.ts'
import { messageBudget } from '../protocol/message-budget.ts'

/** What costs more to decode is decoded by its receiver alone: some 500 objects. */
const costly = messageBudget >> 7

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

/**
 * A {@link snapshot} for a message that the kernel passes on, or that arrives in its thread: a large value is bytes
 * there, which only the code that uses it decodes.
 *
 * @throws TroupeError `Invalid`, as {@link snapshot}, and for a large value that bytes cannot carry.
 */
export function snapshotForKernel(payload: unknown): unknown {
  return forKernel(snapshot(payload))
}

let passesOpaque = true

/** In an operating-system process: what it sends is counted on its way, so nothing is hidden from that. */
export function passNothingOpaque(): void {
  passesOpaque = false
}

/** A packed payload for a thread: the thread of the kernel gets what {@link snapshotForKernel} makes. */
export function forThread(thread: number, { payload, transfer }: Packed): unknown {
  return thread === 0 && transfer.length === 0 ? forKernel(payload) : payload
}

/** The same of a {@link snapshot}. */
function forKernel(copy: unknown): unknown {
  if (!passesOpaque || weightOfCopy(copy) !== undefined || !isCostly(copy)) return copy
  const passed = opaque(copy)
  if (passed === copy && decodingCost() > messageBudget)
    throw invalid('the payload holds too many values beside what only threads can share: send them apart')
  return passed
}

function isCostly(copy: unknown): boolean {
  weightOf(copy)
  return decodingCost() > costly
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
      return snapshotForKernel(arg)
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
  /** Approximate bytes. */
  readonly weight: number
}

/**
 * Like {@link snapshot}, but transfers the objects in `transfer`: the sender loses them now, even if the message has to
 * wait.
 */
export function pack(payload: unknown, transfer: Transfer): Packed {
  if (transfer.length === 0) {
    const copy = snapshot(payload)
    return { payload: copy, transfer, weight: weightOfCopy(copy) ?? weightOf(copy) }
  }
  const packed = { payload: valueToWire(payload, new Set(transfer)), transfer: [...transfer] }
  try {
    const weight = weightOf(packed.payload)
    return { ...structuredClone(packed, { transfer: packed.transfer }), weight }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw invalid(`the payload cannot be cloned at payload: ${reason}`, { path: 'payload' })
  }
}
