/**
 * Copies any value that may cross threads. The caller of the `Copier` takes errors out and describes them, because
 * structured clone loses their class and fields. Views of buffers are copied to their own length. A value that would
 * arrive empty is rejected.
 */
import { types } from 'node:util'
import { isPrimitive } from './plain-copy.ts'
import { isRevoked } from './revoked.ts'
import { shapeOf } from './shape.ts'
import { copyView, isDetached, isSharedMemory } from './views.ts'

/**
 * Where an error belongs once the value has arrived: in the property, array or map `in`, or in place of an item or a
 * key.
 */
export interface Gap {
  readonly in: object
  /** The key of a property or of a map's value; for an item or a map's key, the object that stands for it. */
  readonly at: unknown
  readonly as: 'property' | 'value' | 'item'
  /** The error's number. */
  readonly error: number
}

export interface CopierOptions {
  /** The first part of every path that {@link Copier.pathOf} returns. */
  readonly root: string
  /** Objects that are moved instead of copied. */
  readonly moved: ReadonlySet<unknown>
  /** Whether memory may be shared, if the value holds shared memory. */
  readonly sharesMemory: boolean
  /** Takes an error, and returns its number. */
  readonly onError: (error: Error) => number
  /** Throws, or returns the replacement for a value that cannot be carried. */
  readonly refuse: (value: unknown, path: string, reason: string) => unknown
}

/** The maximum number of path parts in a message. */
const maxParts = 64
/** From this depth on, structured clone may run out of stack, so it is tried here first. */
const deep = 500
/**
 * The maximum depth of a value. If the receiving thread has too little stack for a message, the message is lost without
 * an error. A program's message needs twice as much stack.
 */
const maxDepth = 1000
/** Longer arrays that hold only primitives are left to structured clone, which copies them faster. */
const longArray = 1024

/** A step from a value to one of its parts: the key of a property, the index of an item, or a part of a map or set. */
type Step = string | number | { readonly name: string }

export class Copier {
  readonly gaps: Gap[] = []
  readonly #options: CopierOptions
  readonly #known = new Map<object, object>()
  readonly #path: Step[] = []
  #deepest = 0

  constructor(options: CopierOptions) {
    this.#options = options
  }

  /** Whether structured clone may run out of stack. */
  get isDeep(): boolean {
    return this.#deepest > deep
  }

  /** The current position of the copy, or the position where it ended. */
  get path(): string {
    return this.#options.root + this.#path.slice(0, maxParts).map(partOfPath).join('')
  }

  /** Copies `value` into `holder[0]`. */
  copyInto(holder: unknown[], value: unknown): void {
    holder[0] = this.#copy(value, holder, 0, 'property')
  }

  #copy(value: unknown, holder: object, at: unknown, as: Gap['as']): unknown {
    switch (typeof value) {
      case 'object':
        return value === null ? null : this.#object(value, holder, at, as)
      case 'function':
        return this.#refuse(value, 'it is a function')
      case 'symbol':
        return this.#refuse(value, 'it is a symbol')
      default:
        return value
    }
  }

  #object(value: object, holder: object, at: unknown, as: Gap['as']): unknown {
    const known = this.#known.get(value)
    if (known !== undefined) return known
    if (this.#path.length > this.#deepest) this.#deepest = this.#path.length
    if (this.#deepest > maxDepth) return this.#refuse(value, `it is nested more than ${maxDepth} deep`)
    const { moved } = this.#options
    if (moved.size > 0 && moved.has(value)) return value
    if (isRevoked(value)) return this.#refuse(value, 'it is a proxy that was revoked')
    if (Array.isArray(value)) return this.#array(value)
    if (isPlain(value)) return this.#fields(value, {})
    if (isError(value)) {
      this.gaps.push({ in: holder, at, as, error: this.#options.onError(value) })
      return as === 'item' ? at : undefined
    }
    if (types.isMap(value)) return this.#map(value)
    if (types.isSet(value)) return this.#set(value)
    if (ArrayBuffer.isView(value)) return this.#view(value)
    if (types.isDate(value)) return this.#note(value, new Date(value.getTime()))
    return this.#other(value)
  }

  #other(value: object): unknown {
    if (!this.#options.sharesMemory && isSharedMemory(value)) return this.#refuse(value, 'it is shared memory')
    const copied = copyShape(value)
    if ('reason' in copied) return this.#refuse(value, copied.reason)
    return copied.value === undefined ? this.#fields(value, {}) : this.#note(value, copied.value)
  }

  #array(value: readonly unknown[]): unknown {
    const { length } = value
    if (length > longArray && value.every(isPrimitive)) {
      try {
        return this.#note(value, structuredClone(value))
      } catch {
        // The array has a field beside its items; the code below finds it.
      }
    }
    const copied: unknown[] = this.#note(value, [])
    const keys = this.#keys(value)
    if (keys.length !== length || (length > 0 && keys.at(-1) !== String(length - 1))) {
      copied.length = length
      this.#fill(value, copied, keys)
      return copied
    }
    for (let i = 0; i < length; i += 1) {
      this.#path.push(i)
      copied.push(this.#read(value, i, copied))
      this.#path.pop()
    }
    return copied
  }

  #fields(value: object, copied: Record<string, unknown>): unknown {
    this.#known.set(value, copied)
    for (const key of this.#keys(value)) {
      this.#path.push(key)
      const item = this.#read(value, key, copied)
      if (key === '__proto__') define(copied, key, item)
      else copied[key] = item
      this.#path.pop()
    }
    return copied
  }

  /** Fills an array that has holes, or fields beside its items. */
  #fill(value: readonly unknown[], copied: unknown[], keys: readonly string[]): void {
    for (const key of keys) {
      this.#path.push({ name: `[${key}]` })
      define(copied, key, this.#read(value, key, copied))
      this.#path.pop()
    }
  }

  #map(value: ReadonlyMap<unknown, unknown>): unknown {
    const copied = this.#note(value, new Map<unknown, unknown>())
    let i = 0
    for (const [key, item] of value) {
      const at = this.#part(`.key(${i})`, key, copied)
      this.#path.push({ name: `.get(${i})` })
      copied.set(at, this.#copy(item, copied, at, 'value'))
      this.#path.pop()
      i += 1
    }
    return copied
  }

  #set(value: ReadonlySet<unknown>): unknown {
    const copied = this.#note(value, new Set<unknown>())
    let i = 0
    for (const item of value) {
      copied.add(this.#part(`.item(${i})`, item, copied))
      i += 1
    }
    return copied
  }

  /** An item of a set, or a key of a map. */
  #part(name: string, value: unknown, holder: object): unknown {
    if (isPrimitive(value)) return value
    this.#path.push({ name })
    const copied = this.#copy(value, holder, {}, 'item')
    this.#path.pop()
    return copied
  }

  #view(value: ArrayBufferView): unknown {
    if (this.#options.moved.has(value.buffer)) return value
    if (!this.#options.sharesMemory && isSharedMemory(value.buffer)) return this.#refuse(value, 'its memory is shared')
    if (isDetached(value)) return this.#refuse(value, 'its buffer has been transferred')
    return this.#note(value, copyView(value))
  }

  #read(value: object, key: string | number, holder: object): unknown {
    let item: unknown
    try {
      item = Reflect.get(value, key)
    } catch (error) {
      return this.#refuse(undefined, reasonOf(error))
    }
    return isPrimitive(item) ? item : this.#copy(item, holder, key, 'property')
  }

  #keys(value: object): readonly string[] {
    try {
      return Object.keys(value)
    } catch (error) {
      this.#refuse(value, reasonOf(error))
      return []
    }
  }

  #note<T extends object>(value: object, copied: T): T {
    this.#known.set(value, copied)
    return copied
  }

  #refuse(value: unknown, reason: string): unknown {
    return this.#options.refuse(value, this.path, reason)
  }
}

function partOfPath(step: Step): string {
  if (typeof step === 'object') return step.name
  return typeof step === 'number' ? `[${step}]` : `.${step}`
}

/**
 * Whether the value is an error to take out. A `DOMException` is not taken out, because structured clone carries it.
 */
function isError(value: object): value is Error {
  return !types.isProxy(value) && !(value instanceof DOMException) && (Error.isError(value) || value instanceof Error)
}

function isPlain(value: object): boolean {
  try {
    return Object.getPrototypeOf(value) === Object.prototype
  } catch {
    // A proxy that throws; the copy finds that out.
    return false
  }
}

/**
 * A copy of what structured clone knows; no value when the fields must be copied; a reason when neither is possible.
 */
function copyShape(value: object): { readonly value: object | undefined } | { readonly reason: string } {
  try {
    const shape = shapeOf(value)
    if (shape === 'native') return { value: structuredClone(value) }
    const isEmpty = shape === 'lost' || (shape === 'fields' && Object.keys(value).length === 0)
    return isEmpty ? { reason: `an instance of ${nameOf(value)} would arrive empty` } : { value: undefined }
  } catch (error) {
    return { reason: reasonOf(error) }
  }
}

function nameOf(value: object): string {
  const constructor: unknown = Reflect.get(value, 'constructor')
  return typeof constructor === 'function' && constructor.name !== '' ? constructor.name : 'object'
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Sets an own property without calling setters. */
export function define(target: object, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true })
}
