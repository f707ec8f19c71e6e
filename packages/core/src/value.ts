/** Values on their way between threads: messages, arguments, results. */
import { errorsToWire, errorValueFromWire } from './error-wire.ts'
import { invalid } from './errors.ts'
import { isPrimitive } from './value-wire/plain-copy.ts'
import { copyForWire, isBox, valueFromBox } from './value-wire/value-wire.ts'

const nothing: ReadonlySet<unknown> = new Set()

/**
 * A copy of `value` that shares nothing with it but what `moved` lists, in the form that crosses threads.
 *
 * @throws TroupeError `Invalid`, naming the path, for a function, a symbol and anything else that cannot be carried, or would arrive empty.
 */
export function valueToWire(value: unknown, moved = nothing): unknown {
  return isPrimitive(value) ? value : copyForWire(value, { root: 'payload', moved, describe: errorsToWire(), refuse })
}

/** The value that {@link valueToWire} copied. The receiver calls it once for each copy. */
export function valueFromWire(carried: unknown): unknown {
  return typeof carried === 'object' && carried !== null ? valueFromBox(carried, errorValueFromWire) : carried
}

/** Whether what {@link valueToWire} returned holds errors: such a value is not what its receiver reads before it is opened. */
export function isBoxed(carried: unknown): boolean {
  return isBox(carried)
}

function refuse(_value: unknown, path: string, reason: string): never {
  throw invalid(`the payload cannot be cloned at ${path}: ${reason}`, { path })
}
