/**
 * The form in which values cross threads: plain copies, which structured clone carries unchanged. A value that holds
 * errors travels in a box, together with the errors in their own form (`error-wire.ts`) and the places where they
 * belong.
 */
import type { WireError } from '../wire-error.ts'
import { Copier, define, type Gap } from './copier.ts'
import { fromBytes, toBytes } from './opaque.ts'
import { boxKey, copyPlain, isPrimitive, unsuitable, weightOfPlain, weightOfPrimitive } from './plain-copy.ts'

/** A value as bytes, which only its receiver decodes. */
interface Opaque {
  readonly [boxKey]: { readonly bytes: Uint8Array }
}

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
  isCounted = plain !== unsuitable
  return isCounted ? plain : copyAll(value, rules)
}

let isCounted = false

/**
 * The approximate bytes of a copy that {@link copyForWire} has just returned; `undefined` where it was not counted,
 * because the value is large or not plain.
 */
export function weightOfCopy(copied: unknown): number | undefined {
  if (isPrimitive(copied)) return weightOfPrimitive(copied)
  return isCounted ? weightOfPlain() : undefined
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

/** Boxes that were opened: one that occurs in many places, or within itself, is opened once. */
const opened = new WeakSet<Box>()

/**
 * Returns the value that {@link copyForWire} copied, with its errors as `rebuild` makes them. The box may be the work
 * of hostile code: what is no box of this module is returned as it is.
 */
export function valueFromBox(carried: unknown, rebuild: (wire: WireError) => Error): unknown {
  if (!isBox(carried)) return carried
  const { value, errors, gaps } = carried[boxKey]
  if (opened.has(carried)) return value[0]
  opened.add(carried)
  const rebuilt = errors.map(rebuild)
  const items = new Map<object, Map<unknown, unknown>>()
  for (const { in: holder, at, as, error } of gaps) {
    if (as !== 'item') fill(holder, at, rebuilt[error])
    else items.set(holder, (items.get(holder) ?? new Map<unknown, unknown>()).set(at, rebuilt[error]))
  }
  for (const [holder, errorOf] of items) replaceItems(holder, errorOf)
  return value[0]
}

/** Whether a value in this form holds errors. */
export function isBox(value: unknown): value is Box {
  const content = contentOf(value)
  if (content === undefined) return false
  const lists = ['value', 'errors', 'gaps'].map((name): unknown => Reflect.get(content, name))
  return lists.every((list) => Array.isArray(list)) && isListOfGaps(lists[2])
}

/** What is in a box of any kind. */
function contentOf(value: unknown): object | undefined {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, boxKey)) return undefined
  const content: unknown = Reflect.get(value, boxKey)
  return typeof content === 'object' && content !== null ? content : undefined
}

/**
 * Returns a copy that {@link copyForWire} made in a form that costs next to nothing to pass on; the same copy, where
 * that is not possible.
 */
export function opaque(copied: unknown): unknown {
  const bytes = toBytes(copied)
  return bytes === undefined ? copied : ({ [boxKey]: { bytes } } satisfies Opaque)
}

/**
 * Returns the copy that {@link opaque} was given. Only whole values have this form, nothing within them: what a value
 * that was counted holds is never decoded again.
 *
 * @throws an error for bytes that {@link opaque} never makes.
 */
export function openOpaque(carried: unknown): unknown {
  return isOpaque(carried) ? fromBytes(carried[boxKey].bytes) : carried
}

/** Whether a value that crossed is of the form that {@link opaque} makes. */
export function isOpaque(carried: unknown): carried is Opaque {
  const content = contentOf(carried)
  return content !== undefined && Reflect.get(content, 'bytes') instanceof Uint8Array
}

function isListOfGaps(gaps: unknown): boolean {
  if (!Array.isArray(gaps)) return false
  for (const gap of gaps) if (!isGap(gap)) return false
  return true
}

/** A place that can be filled. Structured clone makes other objects too, with properties that cannot be defined. */
function isGap(gap: unknown): boolean {
  if (typeof gap !== 'object' || gap === null) return false
  const holder: unknown = Reflect.get(gap, 'in')
  const at: unknown = Reflect.get(gap, 'at')
  if (typeof holder !== 'object' || holder === null) return false
  if (holder instanceof Map || holder instanceof Set) return true
  if (!Array.isArray(holder)) return isPrimitive(at) && Object.getPrototypeOf(holder) === Object.prototype
  // An array keeps its length.
  return isPrimitive(at) && at !== 'length' && !(Number(at) >= holder.length)
}

function fill(holder: object, at: unknown, error: unknown): void {
  if (holder instanceof Map) holder.set(at, error)
  else define(holder, String(at), error)
}

/** Keeps the order of the other keys. */
function replaceItems(holder: object, errorOf: ReadonlyMap<unknown, unknown>): void {
  const found = (item: unknown) => (errorOf.has(item) ? errorOf.get(item) : item)
  if (holder instanceof Map) {
    const entries: (readonly [unknown, unknown])[] = [...holder]
    holder.clear()
    for (const [key, value] of entries) holder.set(found(key), value)
  } else if (holder instanceof Set) {
    const items: unknown[] = [...holder]
    holder.clear()
    for (const item of items) holder.add(found(item))
  }
}
