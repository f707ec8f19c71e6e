/**
 * Estimates how many bytes of data a value holds: for limits on what travels with every call and on what conditions
 * read.
 */
import { isSharedMemory } from './value-wire/views.ts'

const scalar = 8
const container = 16

/**
 * Returns the weight of `value`: the length of text, the bytes of binary data, 8 for any other scalar, and 16 for each
 * object, list, map or set in addition to its contents. Shared memory weighs `Infinity`, because other threads would
 * see it. The count stops once it passes `limit`, so that even a circular value takes bounded time.
 */
export function weigh(value: unknown, limit: number): number {
  return flatWeight(value, limit) ?? weighAll(value, limit)
}

/**
 * The weight of a plain object that holds only scalars, which is the most frequent case; counted without allocating.
 * `undefined` for anything else.
 */
function flatWeight(value: unknown, limit: number): number | undefined {
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return undefined
  let weight = container
  for (const key in value) {
    if (!Object.hasOwn(value, key)) continue
    const part: unknown = Reflect.get(value, key)
    if (typeof part === 'bigint' || (typeof part === 'object' && part !== null)) return undefined
    weight += 2 * scalar + key.length + (typeof part === 'string' ? part.length : scalar)
    if (weight > limit) return weight
  }
  return weight
}

/**
 * Returns the weight of `value` where it is kept: an object that occurs in several places, or within itself, counts
 * once, and a view counts with its whole buffer.
 */
export function weighKept(value: unknown, limit: number): number {
  return flatWeight(value, limit) ?? weighAll(value, limit, new Set())
}

function weighAll(value: unknown, limit: number, seen?: Set<object>): number {
  const rest: unknown[] = [value]
  let weight = 0
  while (rest.length > 0 && weight <= limit) {
    const part = rest.pop()
    if (seen !== undefined && typeof part === 'object' && part !== null) {
      if (seen.has(part)) continue
      seen.add(part)
      if (ArrayBuffer.isView(part) && !isSharedMemory(part.buffer)) {
        weight += container
        rest.push(part.buffer)
        continue
      }
    }
    weight += weightOf(part, rest, limit - weight)
  }
  return weight
}

/** The weight of `value` itself; its parts are added to `rest`. */
function weightOf(value: unknown, rest: unknown[], limit: number): number {
  if (typeof value === 'string') return value.length
  if (typeof value === 'bigint') return value.toString(16).length + scalar
  if (typeof value !== 'object' || value === null) return scalar
  if (isSharedMemory(value) || (ArrayBuffer.isView(value) && isSharedMemory(value.buffer)))
    return Number.POSITIVE_INFINITY
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return container + value.byteLength
  let weight = container
  for (const part of partsOf(value)) {
    weight += scalar
    if (weight > limit) break
    rest.push(part)
  }
  return weight
}

function* partsOf(value: object): Iterable<unknown> {
  if (value instanceof Map || value instanceof Set) {
    for (const part of value instanceof Map ? value.entries().flatMap((entry) => entry) : value) yield part
    return
  }
  if (Array.isArray(value)) {
    yield* value
    // It may have fields beside its items.
    for (const key of Object.keys(value)) if (!/^\d+$/.test(key)) yield Reflect.get(value, key)
    return
  }
  for (const key of Object.keys(value)) {
    yield key
    yield Reflect.get(value, key)
  }
}
