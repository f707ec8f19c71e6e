/**
 * The form in which values cross threads: plain copies, which structured clone carries unchanged. A value that holds
 * errors travels in a box, together with the errors in their own form (`error-wire.ts`) and the places where they
 * belong.
 */
import type { WireError } from '../wire-error.ts'
import { Copier, define, type Gap } from './copier.ts'
import { boxKey, copyPlain, isPrimitive, unsuitable } from './plain-copy.ts'

/** A value that holds errors. */
interface Box {
  readonly [boxKey]: {
    /** Holds only the value. */
    readonly value: readonly unknown[]
    readonly errors: readonly WireError[]
    readonly gaps: readonly Gap[]
  }
}

/** How errors are described, and what happens to values that cannot be carried. */
export interface ValueRules {
  readonly root: string
  readonly moved: ReadonlySet<unknown>
  /** Whether shared memory stays shared. @default true */
  readonly sharesMemory?: boolean
  readonly describe: (error: Error) => WireError
  readonly refuse: (value: unknown, path: string, reason: string) => unknown
}

/** Returns a copy of `value` that shares nothing with it, in the form that crosses threads. */
export function copyForWire(value: unknown, rules: ValueRules): unknown {
  if (isPrimitive(value)) return value
  const plain = rules.moved.size === 0 ? copyPlain(value) : unsuitable
  return plain === unsuitable ? copyAll(value, rules) : plain
}

function copyAll(value: unknown, { root, moved, sharesMemory = true, describe, refuse }: ValueRules): unknown {
  const errors: WireError[] = []
  const numbers = new Map<Error, number>()
  const onError = (error: Error): number => {
    const known = numbers.get(error)
    if (known !== undefined) return known
    numbers.set(error, errors.length)
    return errors.push(describe(error)) - 1
  }
  const copier = new Copier({ root, moved, sharesMemory, onError, refuse })
  const holder: unknown[] = []
  try {
    copier.copyInto(holder, value)
    if (copier.isDeep) structuredClone(holder)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return refuse(value, copier.path, 'it is nested too deeply')
  }
  const [copied] = holder
  const isOwnBox = typeof copied === 'object' && copied !== null && Object.hasOwn(copied, boxKey)
  if (errors.length === 0 && !isOwnBox) return copied
  return { [boxKey]: { value: holder, errors, gaps: copier.gaps } } satisfies Box
}

/** Returns the value that {@link copyForWire} copied, with its errors as `rebuild` makes them. */
export function valueFromBox(carried: unknown, rebuild: (wire: WireError) => Error): unknown {
  if (!isBox(carried)) return carried
  const { value, errors, gaps } = carried[boxKey]
  const rebuilt = errors.map(rebuild)
  for (const gap of gaps) if (gap.as !== 'item') fill(gap, rebuilt[gap.error])
  for (const gap of gaps) if (gap.as === 'item') replaceItem(gap.in, gap.at, rebuilt[gap.error])
  return value[0]
}

/** Whether a value in this form holds errors. */
export function isBox(value: unknown): value is Box {
  return typeof value === 'object' && value !== null && boxKey in value
}

function fill({ in: holder, at }: Gap, error: unknown): void {
  if (holder instanceof Map) holder.set(at, error)
  else define(holder, String(at), error)
}

/** Keeps the order of the other keys. */
function replaceItem(holder: object, stand: unknown, error: unknown): void {
  if (holder instanceof Map) {
    const entries: (readonly [unknown, unknown])[] = [...holder]
    holder.clear()
    for (const [key, value] of entries) holder.set(key === stand ? error : key, value)
  } else if (holder instanceof Set) {
    const items: unknown[] = [...holder]
    holder.clear()
    for (const item of items) holder.add(item === stand ? error : item)
  }
}
