/**
 * Descriptors belong to the process: by the number, code in one thread could write to a connection that another thread
 * opened. A sealed thread may read only from descriptors that it opened itself, and write only to standard output and
 * error. It has no permission to write files anyway.
 */
import { TroupeError } from '@troupe/core'
import fs from 'node:fs'
import { forgetConstructor } from './forbid.ts'
import { sealedRefusal } from './sealed.ts'

/** Records which descriptors this thread opened. */
type Own = Record<number, boolean>
type Method = (...args: readonly unknown[]) => unknown

// Saved before any code could replace them.
const { apply } = Reflect
const { process } = globalThis
const standardOutput = 1
const standardError = 2

const writers = [
  'write',
  'writeSync',
  'writev',
  'writevSync',
  'writeFile',
  'writeFileSync',
  'appendFile',
  'appendFileSync',
]
const changers = ['ftruncate', 'fsync', 'fdatasync', 'futimes', 'fchmod', 'fchown', 'truncate'].flatMap((name) => [
  name,
  `${name}Sync`,
])
const readers = ['read', 'readv', 'fstat', 'readFile'].flatMap((name) => [name, `${name}Sync`])
const handleWriters = [
  'appendFile',
  'chmod',
  'chown',
  'datasync',
  'sync',
  'truncate',
  'utimes',
  'write',
  'writev',
  'writeFile',
  'createWriteStream',
]
const handleReaders = ['read', 'readv', 'readFile', 'readLines', 'stat', 'readableWebStream', 'createReadStream']

export async function sealDescriptors(): Promise<void> {
  const own: Own = {}
  // A plain object without a prototype: using it calls no function that user code could replace.
  Reflect.setPrototypeOf(own, null)
  const isOwn = (descriptor: unknown) => typeof descriptor === 'number' && own[descriptor] === true
  const isOutput = (descriptor: unknown) => descriptor === standardOutput || descriptor === standardError

  for (const name of writers) check(fs, name, (file) => typeof file !== 'number' || isOutput(file))
  for (const name of changers) check(fs, name, (file) => typeof file === 'string' || isOutput(file))
  for (const name of readers)
    check(fs, name, (file) => typeof file !== 'number' || file <= standardError || isOwn(file))
  for (const name of ['close', 'closeSync']) {
    check(fs, name, (file) => {
      const known = isOwn(file)
      if (typeof file === 'number') own[file] = false
      return known
    })
  }
  noteOpened(own)
  // An argument that is not a string could be a handle, whatever it claims to be.
  for (const name of ['writeFile', 'appendFile']) check(fs.promises, name, (file) => typeof file === 'string')
  await sealFileHandles(own, isOwn)
}

/** Makes `owner[name]` refuse a first argument that is not `allowed`. */
function check(owner: object, name: string, allowed: (file: unknown) => boolean): void {
  replace(owner, name, (original) => {
    return function checked(this: unknown, ...args: readonly unknown[]): unknown {
      if (!allowed(args[0])) throw sealedRefusal(`a foreign descriptor (fs.${name})`)
      return apply(original, this, args)
    }
  })
}

/** The same check for the object on which a method is called. */
function checkSelf(owner: object, name: string, allowed: (file: unknown) => boolean): void {
  replace(owner, name, (original) => {
    return function checked(this: unknown, ...args: readonly unknown[]): unknown {
      if (!allowed(this)) throw sealedRefusal(`a foreign descriptor (FileHandle.${name})`)
      return apply(original, this, args)
    }
  })
}

function noteOpened(own: Own): void {
  replace(fs, 'openSync', (original) => {
    return function openSync(this: unknown, ...args: readonly unknown[]): unknown {
      const descriptor: unknown = apply(original, this, args)
      if (typeof descriptor === 'number') own[descriptor] = true
      return descriptor
    }
  })
  replace(fs, 'open', (original) => {
    return function open(this: unknown, ...args: readonly unknown[]): unknown {
      const last = args.length - 1
      const callback = args[last]
      if (!isMethod(callback)) return apply(original, this, args)
      const noted = (error: unknown, descriptor: unknown) => {
        if (typeof descriptor === 'number') own[descriptor] = true
        apply(callback, undefined, [error, descriptor])
      }
      // Built by hand: user code could have replaced `map`.
      const given: unknown[] = []
      for (let at = 0; at < last; at += 1) given[at] = args[at]
      given[last] = noted
      return apply(original, this, given)
    }
  })
}

/** Handles of files (`fs.promises`), whose prototype is reachable only from an open file. */
async function sealFileHandles(own: Own, isOwn: (descriptor: unknown) => boolean): Promise<void> {
  await using handle = await fs.promises.open(import.meta.filename)
  const prototype: unknown = Object.getPrototypeOf(handle)
  const accessors: object = Object.getOwnPropertyDescriptor(prototype, 'fd') ?? {}
  const getter: unknown = Reflect.get(accessors, 'get')
  if (typeof prototype !== 'object' || prototype === null || !isMethod(getter)) throw unsupported('FileHandle.fd')
  const descriptorOf = (file: unknown): unknown => apply(getter, file, [])
  for (const name of handleWriters) check(prototype, name, () => false)
  for (const name of handleReaders) checkSelf(prototype, name, (file) => isOwn(descriptorOf(file)))
  checkSelf(prototype, 'close', (file) => {
    const descriptor = descriptorOf(file)
    if (typeof descriptor === 'number') own[descriptor] = false
    return true
  })
  forgetConstructor(prototype)
  forgetConstructor(nativePrototypeOf(handle))
  replace(fs.promises, 'open', (original) => {
    return async function open(this: unknown, ...args: readonly unknown[]): Promise<unknown> {
      const opened: unknown = await apply(original, this, args)
      const descriptor = descriptorOf(opened)
      if (typeof descriptor === 'number') own[descriptor] = true
      return opened
    }
  })
}

/** Its constructor could make a handle of any descriptor. */
function nativePrototypeOf(handle: object): object {
  const symbol = Object.getOwnPropertySymbols(handle).find(({ description }) => description === 'kHandle')
  const native: unknown = symbol && Reflect.get(handle, symbol)
  const prototype: unknown = typeof native === 'object' && native !== null && Object.getPrototypeOf(native)
  if (typeof prototype === 'object' && prototype !== null) return prototype
  throw unsupported('FileHandle[kHandle]')
}

function unsupported(what: string): TroupeError {
  return new TroupeError('Internal', `this Node (${process.version}) cannot seal a thread: there is no ${what}`, {
    retryable: false,
  })
}

function replace(owner: object, name: string, make: (original: Method) => unknown): void {
  const original: unknown = Reflect.get(owner, name)
  if (!isMethod(original)) return
  const value = make(original)
  if (typeof value !== 'function') return
  Object.defineProperty(value, 'name', { value: name })
  // The symbols that `util.promisify` looks for.
  for (const symbol of Object.getOwnPropertySymbols(original)) {
    const property = Object.getOwnPropertyDescriptor(original, symbol)
    if (property) Object.defineProperty(value, symbol, property)
  }
  Object.defineProperty(owner, name, { value, writable: true, enumerable: true, configurable: true })
}

function isMethod(value: unknown): value is Method {
  return typeof value === 'function'
}
