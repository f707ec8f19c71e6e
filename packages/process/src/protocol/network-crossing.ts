/** Checks what may cross from one network to another (`docs/overlays.md`), and creates the errors for what may not. */
import { denied, type EntryId, invalid, type TroupeError } from '@troupe/core'
import { ReadableStream, TransformStream, WritableStream } from 'node:stream/web'
import { types } from 'node:util'
import { MessagePort } from 'node:worker_threads'
import { encodeWithin, payloadLimit } from '../pipe/codec.ts'
import { DecodeError } from '../pipe/decode-cost.ts'
import { mayBeTooLarge } from '../pipe/size-estimate.ts'

/** A message that its receiver's network does not accept. */
export interface RefusedCrossing {
  /** Pid, or name, of the receiver. */
  readonly to: string
  /** The sender's network; `null` is the clear network. */
  readonly from: EntryId | null
  readonly receiver: EntryId | null
}

/**
 * The error of a message from an overlay to a process of another network that does not accept it. Its `code` is
 * `ENETWORK`.
 */
export function crossing({ to, from, receiver }: RefusedCrossing): TroupeError & { code: string } {
  const remedy =
    from === null
      ? ''
      : `: let it accept them with "accepts: [${from}]" on its ` +
        `entry, service or child, or send from ${nameOf(receiver)}`
  const error = denied(`${to} runs in ${nameOf(receiver)} and accepts no messages from ${nameOf(from)}${remedy}`, {
    code: 'ENETWORK',
    to,
    from,
    receiver,
  })
  return Object.assign(error, { code: 'ENETWORK' })
}

/** A value that may not cross, with its path. */
interface Found {
  readonly what: string
  readonly path: string
}

/**
 * Checks a value that crosses to another network: nothing in it may carry work there later.
 *
 * @param isReply - Readable streams may cross in replies only.
 * @throws TroupeError `Invalid`, with the path.
 */
export function checkCrossing(value: unknown, path: string, isReply = false): void {
  const found = find(value, path, (object) => forbidden(object, isReply), new Set())
  if (found === undefined) return
  const { what, path: at } = found
  throw invalid(
    `${at}: ${what} does not cross to another network, because it could carry work there: send plain data`,
    {
      path: at,
      code: 'ENETWORK',
    },
  )
}

/**
 * Checks a value that crosses to or from an operating-system process: objects of other classes would arrive empty.
 *
 * @throws TroupeError `Invalid`, with the path.
 */
export function checkPlain(value: unknown, path: string): void {
  const found = find(value, path, unencodable, new Set())
  if (found === undefined) return
  const { what, path: at } = found
  throw invalid(
    `${at}: ${what} does not cross to or from an operating-system process of its own, or another node: send plain data`,
    {
      path: at,
      code: 'ENETWORK',
    },
  )
}

/**
 * The same, and that the value is not too large for a message.
 *
 * @throws TroupeError `Invalid`, with the path.
 */
export function checkEncodable(value: unknown, path: string, largest = payloadLimit.bytes): void {
  if (typeof value === 'string' && value.length > largest) throw invalid(`${path}: it is too large`, { path })
  if (typeof value !== 'object' || value === null) return
  checkPlain(value, path)
  try {
    encodeWithin(value, { ...payloadLimit, bytes: largest })
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause
    throw invalid(
      `${path}: it does not cross to an operating-system process ` +
        `of its own, or to another node: ${cause.message}. Send it in parts, or as bytes`,
      {
        path,
      },
    )
  }
}

/**
 * Whether a value contains something that may not cross to another network, or to another operating-system process, or
 * is so large that it might not.
 */
export function mayNotCross(value: unknown): boolean {
  return mayBeTooLarge(value) || find(value, '', unencodable, new Set()) !== undefined
}

function find(
  value: unknown,
  path: string,
  forbids: (value: object) => string | undefined,
  seen: Set<object>,
): Found | undefined {
  if (typeof value !== 'object' || value === null || seen.has(value)) return undefined
  seen.add(value)
  const what = forbids(value)
  if (what !== undefined) return { what, path }
  if (ArrayBuffer.isView(value)) return find(value.buffer, path, forbids, seen)
  for (const [name, item] of partsOf(value)) {
    const found = find(item, path + name, forbids, seen)
    if (found !== undefined) return found
  }
  return undefined
}

function partsOf(value: object): Iterable<readonly [path: string, part: unknown]> {
  const numbered = (name: string, parts: Iterable<unknown>) =>
    Array.from(parts, (part, index) => [`${name}[${index}]`, part] as const)
  if (value instanceof Map) return [...numbered('.keys', value.keys()), ...numbered('.values', value.values())]
  if (value instanceof Set) return numbered('.values', value)
  // An array may have fields in addition to its items.
  const isList = Array.isArray(value)
  return Object.entries(value).map(([name, part]) => [isList ? `[${name}]` : `.${name}`, part] as const)
}

/** Objects of Node's own classes travel only between threads of one process. */
function unencodable(value: object): string | undefined {
  const what = forbidden(value, false)
  if (what !== undefined) return what
  const isPlain = Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype
  if (isPlain || isEncodable(value)) return undefined
  return `an object of the class ${value.constructor.name}`
}

/** What V8 encodes as bytes by itself. */
function isEncodable(value: object): boolean {
  return (
    ArrayBuffer.isView(value) ||
    Object.getPrototypeOf(value) === null ||
    types.isAnyArrayBuffer(value) ||
    types.isMap(value) ||
    types.isSet(value) ||
    types.isDate(value) ||
    types.isRegExp(value) ||
    types.isBoxedPrimitive(value) ||
    Error.isError(value)
  )
}

function forbidden(value: object, isReply: boolean): string | undefined {
  if (value instanceof MessagePort) return 'a MessagePort'
  if (types.isSharedArrayBuffer(value)) return 'a SharedArrayBuffer'
  if (value instanceof WritableStream) return 'a WritableStream'
  if (value instanceof TransformStream) return 'a TransformStream'
  if (value instanceof ReadableStream && !isReply) return 'a ReadableStream'
  // Its abort reason would cross later.
  if (value instanceof AbortSignal) return 'an AbortSignal'
  if (Object.prototype.toString.call(value) === '[object WebAssembly.Memory]') return 'a WebAssembly.Memory'
  return undefined
}

function nameOf(network: EntryId | null): string {
  return network === null ? 'the clear network' : `overlay ${network}`
}
