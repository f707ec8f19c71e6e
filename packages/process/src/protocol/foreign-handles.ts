/**
 * Handles of files, sockets, ports or streams that arrive from another thread in a message that must not contain any.
 * If such a handle is just dropped, it ends the program when it is garbage-collected, or is never closed.
 */
import { types } from 'node:util'
import { containerWeight, itemWeight, weightOfPrimitive } from '@troupe/core'
import { MessagePort } from 'node:worker_threads'

/** Number of objects visited before visited objects are remembered, because there may be a cycle. */
const fewObjects = 64

/** Maximum number of holes in a list. A loop over a list whose length alone was set blocks a thread for minutes. */
const mostHoles = 1 << 16

/** The result of the current search: only one search runs at a time. */
let found: object[] = []
let objects = 0
/** Approximate bytes of what was visited since {@link startWeighing}. */
let weight = 0
/** What it cost to decode that, in the units of `pipe/decode-cost.ts`. */
let cost = 0
let isHollow = false
let seen: Set<object> | undefined
/** Objects that were found and not yet visited. */
const waiting: object[] = []

/** Returns the handles in a value. */
function handlesIn(value: unknown): readonly object[] {
  if (typeof value !== 'object' || value === null) return none
  objects = 0
  isHollow = false
  seen = undefined
  // Without recursion, because threads can post values nested deeper than the stack here allows.
  waiting.length = 0
  for (let next: object | undefined = value; next !== undefined; next = waiting.pop()) look(next)
  if (found.length === 0) return none
  const handles = found
  found = []
  return handles
}

const none: readonly object[] = []

/** From now on counts the bytes of what is searched for handles. */
export function startWeighing(): void {
  weight = 0
  cost = 0
}

/** Adds a text that is not searched. */
export function addText(text: unknown): void {
  weight += weightOfPrimitive(text)
}

/** Adds bytes that are not searched. */
export function addBytes(bytes: number): void {
  weight += bytes
}

/** The approximate bytes of what was searched, or added, since {@link startWeighing}. */
export function weighed(): number {
  return weight
}

/** What it cost to decode what was searched since {@link startWeighing}: each object 16, each other value 1. */
export function decodingCost(): number {
  return cost
}

/** The approximate bytes of a value. */
export function weightOf(value: unknown): number {
  startWeighing()
  if (typeof value !== 'object' || value === null) addText(value)
  else handlesIn(value)
  return weight
}

function look(value: object): void {
  objects += 1
  weight += containerWeight
  cost += containerWeight
  if (objects > fewObjects) {
    seen ??= new Set()
    if (seen.has(value)) return
    seen.add(value)
  }
  if (Array.isArray(value)) lookAtList(value)
  else if (isPlain(value)) lookAtFields(value)
  else lookAtOther(value)
}

function lookAtList(value: readonly unknown[]): void {
  const { length } = value
  let items = 0
  for (let i = 0; i < length; i += 1) {
    const item = value[i]
    if (item === undefined && i - items >= mostHoles) {
      lookAtSparse(value)
      return
    }
    if (item !== undefined) items += 1
    lookAtItem(item)
  }
  weight += itemWeight * length
  cost += length
  // A list may have fields in addition to its items.
  if (hasFields(value)) for (const name of Object.keys(value)) if (!isIndex(name)) lookAtField(value, name)
}

/** Visits the items that exist, independent of the length. */
function lookAtSparse(value: readonly unknown[]): void {
  const names = Object.keys(value)
  if (value.length - names.length > mostHoles) isHollow = true
  for (const name of names) lookAtField(value, name)
}

/**
 * Whether a list has, or may have, fields. The number of keys alone is not sufficient, because each hole can hide a
 * field.
 */
function hasFields(value: readonly unknown[]): boolean {
  const { length } = value
  return length === 0
    ? Object.keys(value).length > 0
    : Object.keys(value).length !== length || !(length - 1 in value) || value.includes(undefined)
}

function isPlain(value: object): value is Readonly<Record<string, unknown>> {
  // The cheapest check first. Functions do not arrive in messages, so a field of the object cannot imitate this.
  if (value.constructor === Object) return true
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function lookAtFields(value: Readonly<Record<string, unknown>>): void {
  for (const name in value) {
    weight += itemWeight + name.length
    cost += 1
    lookAtItem(value[name])
  }
}

function lookAtField(value: object, name: string): void {
  weight += itemWeight + name.length
  cost += 1
  lookAtItem(Reflect.get(value, name))
}

function lookAtItem(item: unknown): void {
  switch (typeof item) {
    case 'object':
      if (item !== null) waiting.push(item)
      return
    case 'string':
    case 'bigint':
      weight += weightOfPrimitive(item)
      return
    default:
  }
}

function lookAtOther(value: object): void {
  if (types.isMap(value)) for (const entry of value) lookAtList(entry)
  else if (types.isSet(value)) lookAtList([...value])
  else if (Error.isError(value)) {
    for (const name of Object.getOwnPropertyNames(value)) lookAtField(value, name)
  } else if (types.isAnyArrayBuffer(value) || ArrayBuffer.isView(value)) weight += bytesOf(value)
  else if (canBeClosed(value)) found.push(value)
  else if (types.isRegExp(value)) addText(value.source)
  else if (types.isStringObject(value)) addText(value.valueOf())
}

/** Of the whole buffer, which a view brings along; shared memory is not copied. */
function bytesOf(value: ArrayBufferLike | ArrayBufferView): number {
  const buffer = ArrayBuffer.isView(value) ? value.buffer : value
  return types.isSharedArrayBuffer(buffer) ? 0 : buffer.byteLength
}

/**
 * Whether a value contains something that no message may carry: a handle of a file or a socket, where ports and streams
 * may move between threads; or a long list that is almost empty.
 */
export function holdsFile(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && (handlesIn(value).some((handle) => !isChannel(handle)) || isHollow)
  )
}

function isChannel(value: object): boolean {
  return [MessagePort, ReadableStream, WritableStream, TransformStream].some((channel) => value instanceof channel)
}

/** Describes the first thing in a value that no message to the kernel may carry, if there is any. */
export function foreignIn(value: unknown): string | undefined {
  if (handlesIn(value).length > 0) return 'a handle'
  return isHollow ? 'a long list that is all but empty' : undefined
}

/** Closes the handles in a rejected value. */
export function release(value: unknown): void {
  for (const handle of handlesIn(value)) close(handle)
}

function isIndex(name: string): boolean {
  for (let i = 0; i < name.length; i += 1) {
    const digit = name.charCodeAt(i)
    if (digit < 48 || digit > 57) return false
  }
  return true
}

const ends = ['close', 'destroy', 'cancel', 'abort'] as const

function canBeClosed(value: object): boolean {
  return ends.some((name) => typeof Reflect.get(value, name) === 'function') || value instanceof TransformStream
}

function close(value: object): void {
  for (const name of ends) {
    const end: unknown = Reflect.get(value, name)
    if (typeof end !== 'function') continue
    try {
      const ended: unknown = Reflect.apply(end, value, [])
      if (ended instanceof Promise) ended.catch(() => undefined)
      return
    } catch {
      // It is closed already, or is closed in another way.
    }
  }
}
