/**
 * Payloads: what structured clone can carry. A payload is copied when it is sent, so that the sender may go on changing
 * its own; small plain data is copied by hand, some ten times faster than structured clone, and all else by structured clone.
 */
import { invalid, TroupeError } from '@troupe/core'
import type { Transferable } from 'node:worker_threads'

/** What may be moved instead of copied (HTML, transferable objects). */
export type Transfer = readonly Transferable[]

/** Objects that are copied by hand before structured clone takes over; it also takes over for anything seen twice, and for long arrays. */
const maxObjects = 32
const maxItems = 256

/**
 * A copy of `payload` that shares nothing with it.
 *
 * @throws TroupeError `Invalid`, naming the path, for a function, a symbol or anything else that cannot be cloned.
 */
export function snapshot(payload: unknown): unknown {
  if (isPrimitive(payload)) return payload
  const copy = tryPlain(payload)
  return copy === unsuitable ? clone(payload, payload, []) : copy
}

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

/** A payload on its way, with the objects in it that are moved rather than copied. */
export interface Packed {
  readonly payload: unknown
  readonly transfer: Transfer
}

/** Like {@link snapshot}, but moves what `transfer` lists: the sender loses it now, wherever the message may wait. */
export function pack(payload: unknown, transfer: Transfer): Packed {
  if (transfer.length === 0) return { payload: snapshot(payload), transfer }
  return clone({ payload, transfer: [...transfer] }, payload, transfer)
}

const unsuitable = Symbol('not plain data')

function isPrimitive(value: unknown): boolean {
  switch (typeof value) {
    case 'object':
      return value === null
    case 'function':
    case 'symbol':
      return false
    default:
      return true
  }
}

function tryPlain(value: unknown): unknown {
  try {
    return copyPlain(value, [])
  } catch {
    // A getter threw: structured clone says so again, and then it is looked for.
    return unsuitable
  }
}

function copyPlain(value: unknown, seen: object[]): unknown {
  if (isPrimitive(value)) return value
  if (typeof value !== 'object' || value === null) return unsuitable
  if (seen.length >= maxObjects || seen.includes(value)) return unsuitable
  seen.push(value)
  if (Array.isArray(value)) return copyArray(value, seen)
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null ? copyObject(value, seen) : unsuitable
}

function copyArray(value: readonly unknown[], seen: object[]): unknown {
  if (value.length > maxItems) return unsuitable
  const copy: unknown[] = []
  for (let i = 0; i < value.length; i += 1) {
    if (!(i in value)) return unsuitable
    const item = copyPlain(value[i], seen)
    if (item === unsuitable) return unsuitable
    copy.push(item)
  }
  return Object.keys(value).length === value.length ? copy : unsuitable
}

function copyObject(value: object, seen: object[]): unknown {
  const copy: Record<string, unknown> = {}
  for (const key of Object.keys(value)) {
    if (key === '__proto__') return unsuitable
    const item = copyPlain(Reflect.get(value, key), seen)
    if (item === unsuitable) return unsuitable
    copy[key] = item
  }
  return copy
}

/** @param payload The part of `value` in which to look for what cannot be cloned. */
function clone<T>(value: T, payload: unknown, transfer: Transfer): T {
  try {
    return structuredClone(value, { transfer: [...transfer] })
  } catch (cause) {
    const path = findUncloneable(payload, new Set(transfer))
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw invalid(`the payload cannot be cloned at ${path}: ${reason}`, { path })
  }
}

/** How deep to look: whoever nests deeper is told the way as far as that. */
const maxDepth = 64

/** The path of the first part of a value that structured clone refuses, as in `payload.user.callback`. */
function findUncloneable(payload: unknown, moved: ReadonlySet<unknown>): string {
  const seen = new Set<unknown>(moved)
  const search = (read: () => unknown, path: string, depth: number): string | undefined => {
    try {
      const value = read()
      if (isPrimitive(value) || seen.has(value) || carries(value)) return undefined
      seen.add(value)
      if (depth === maxDepth) return path
      for (const [name, child] of childrenOf(value)) {
        const found = search(child, path + name, depth + 1)
        if (found !== undefined) return found
      }
    } catch {
      // A getter or a proxy that throws: here it is.
    }
    return path
  }
  return search(() => payload, 'payload', 0) ?? 'payload'
}

function carries(value: unknown): boolean {
  try {
    structuredClone(value)
    return true
  } catch {
    return false
  }
}

type Child = readonly [name: string, read: () => unknown]

function childrenOf(value: unknown): readonly Child[] {
  if (value instanceof Map)
    return [...value.entries()].flatMap(([key, child]: [unknown, unknown], i): Child[] => [
      [`.key(${i})`, () => key],
      [`.get(${i})`, () => child],
    ])
  if (value instanceof Set) return [...value].map((child: unknown, i): Child => [`.item(${i})`, () => child])
  if (typeof value !== 'object' || value === null) return []
  const array = Array.isArray(value)
  return Object.keys(value).map((key): Child => [array ? `[${key}]` : `.${key}`, (): unknown => Reflect.get(value, key)])
}
