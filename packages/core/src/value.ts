/** Values that cross threads: messages, arguments, results. */
import { errorsFromWire } from './error-from-wire.ts'
import { errorsToWire } from './error-wire.ts'
import { invalid } from './errors.ts'
import { isPrimitive } from './value-wire/plain-copy.ts'
import { copyForWire, isBox, isOpaque, openOpaque, valueFromBox } from './value-wire/value-wire.ts'

const nothing: ReadonlySet<unknown> = new Set()

/**
 * Returns a copy of `value` in the form that crosses threads. It shares only what `moved` lists with the original.
 *
 * @throws TroupeError `Invalid`, with the path, for a function, a symbol and anything else that cannot be carried or
 *   would arrive empty.
 */
export function valueToWire(value: unknown, moved = nothing): unknown {
  return isPrimitive(value) ? value : copyForWire(value, { root: 'payload', moved, describe: errorsToWire(), refuse })
}

/**
 * Returns the value that {@link valueToWire} copied; `undefined` for a form that it never makes, which only hostile
 * code sends. The receiver calls it once for each copy.
 */
export function valueFromWire(carried: unknown): unknown {
  if (typeof carried !== 'object' || carried === null) return carried
  try {
    return valueFromBox(openOpaque(carried), errorsFromWire())
  } catch {
    return undefined
  }
}

/**
 * Returns whether the result of {@link valueToWire} holds errors, or is bytes. Such a value must be opened before its
 * receiver reads it.
 */
export function isBoxed(carried: unknown): boolean {
  return isBox(carried) || isOpaque(carried)
}

function refuse(_value: unknown, path: string, reason: string): never {
  throw invalid(`the payload cannot be cloned at ${path}: ${reason}`, { path })
}
