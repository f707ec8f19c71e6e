/**
 * Handles that arrive from another thread where none belongs: of a file, a socket, a port, a stream. One that is dropped ends the program when it
 * is collected, or is never closed at all.
 */
import { types } from 'node:util'
import { MessagePort } from 'node:worker_threads'

/** Objects that are looked at before those that were seen are remembered: there may be a circle. */
const fewObjects = 64

/** Places of a list that may be empty. What loops over a list of which nothing but its length was written holds a thread for minutes. */
const mostHoles = 1 << 16

/** The search under way: there is but one at a time. */
let found: object[] = []
let objects = 0
let isHollow = false
let seen: Set<object> | undefined
/** Objects that were found and not looked at yet. */
const waiting: object[] = []

/** The handles that there are in a value. */
function handlesIn(value: unknown): readonly object[] {
  if (typeof value !== 'object' || value === null) return none
  objects = 0
  isHollow = false
  seen = undefined
  // Without recursion: threads can post values nested deeper than the stack here is high.
  waiting.length = 0
  for (let next: object | undefined = value; next !== undefined; next = waiting.pop()) look(next)
  if (found.length === 0) return none
  const handles = found
  found = []
  return handles
}

const none: readonly object[] = []

function look(value: object): void {
  objects += 1
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
    if (typeof item === 'object' && item !== null) waiting.push(item)
  }
  // It may have fields beside its items.
  if (hasFields(value)) for (const name of Object.keys(value)) if (!isIndex(name)) lookAtField(value, name)
}

/** By what there is in it, rather than by its length. */
function lookAtSparse(value: readonly unknown[]): void {
  const names = Object.keys(value)
  if (value.length - names.length > mostHoles) isHollow = true
  for (const name of names) lookAtField(value, name)
}

/** Holes could hide as many fields. */
function hasFields(value: readonly unknown[]): boolean {
  const { length } = value
  return length === 0
    ? Object.keys(value).length > 0
    : Object.keys(value).length !== length || !(length - 1 in value) || value.includes(undefined)
}

function isPlain(value: object): value is Readonly<Record<string, unknown>> {
  // The quickest of all questions: functions do not arrive, so that no field can pass for it.
  if (value.constructor === Object) return true
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function lookAtFields(value: Readonly<Record<string, unknown>>): void {
  for (const name in value) {
    const item = value[name]
    if (typeof item === 'object' && item !== null) waiting.push(item)
  }
}

function lookAtField(value: object, name: string): void {
  const item: unknown = Reflect.get(value, name)
  if (typeof item === 'object' && item !== null) waiting.push(item)
}

function lookAtOther(value: object): void {
  if (types.isMap(value)) for (const entry of value) lookAtList(entry)
  else if (types.isSet(value)) lookAtList([...value])
  else if (Error.isError(value)) {
    for (const name of Object.getOwnPropertyNames(value)) lookAtField(value, name)
  } else if (!types.isAnyArrayBuffer(value) && !ArrayBuffer.isView(value) && canBeClosed(value)) found.push(value)
}

/**
 * Whether there is in a value what no message may carry: a handle of a file or a socket, where ports and streams may move between threads; a list
 * that is all but empty, and long.
 */
export function holdsFile(value: unknown): boolean {
  return typeof value === 'object' && value !== null && (handlesIn(value).some((handle) => !isChannel(handle)) || isHollow)
}

function isChannel(value: object): boolean {
  return [MessagePort, ReadableStream, WritableStream, TransformStream].some((channel) => value instanceof channel)
}

/** What no message to the kernel may carry, if it is somewhere in a value. */
export function foreignIn(value: unknown): string | undefined {
  if (handlesIn(value).length > 0) return 'a handle'
  return isHollow ? 'a long list that is all but empty' : undefined
}

/** Closes the handles in a value that is not taken. */
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
      // It is closed already, or has another way to be.
    }
  }
}
