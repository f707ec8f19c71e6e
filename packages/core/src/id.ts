/**
 * Ids of registry entries (`namespace:name`) and of processes (`<thread.serial>`). Both are branded strings: parsed
 * once at the edge, trusted afterwards.
 */
import { invalid } from './errors.ts'
import type { Accepted, MessagesOf } from './messages.ts'
import { isRemote, placeOf, reachPlace, remoteThread } from './remote-pid.ts'

declare const entryBrand: unique symbol
declare const pidBrand: unique symbol

/** Id of a registry entry: `namespace:name`. A namespace may contain dots (`app.net:proxy`). */
export type EntryId = string & { readonly [entryBrand]: true }

/**
 * Id of a process: `<thread.serial>`. Never reused while an application runs. On the other nodes of a cluster it is
 * `<web~3f|8.25>`: the node, and its incarnation as a hexadecimal number.
 *
 * `Messages` are those that the process accepts, for the compiler: `{ topic: { payload; reply } }`, with types or with
 * validators of the Standard Schema. Without it, nothing is known of them.
 */
export type Pid<Messages = unknown> = string & { readonly [pidBrand]: Accepted<Messages> }

/** The messages that the process of a pid accepts. */
export type MessagesOfPid<P> = P extends { readonly [pidBrand]: infer Signatures } ? MessagesOf<Signatures> : never

const entryPattern = /^[A-Za-z_][\w.-]*:[A-Za-z_][\w.-]*$/
const namePattern = /^[A-Za-z_][\w.-]*$/
const pidPattern = /^<(?:[a-z0-9-]{1,32}~[1-9a-f][0-9a-f]{0,12}\|)?(0|[1-9]\d*)\.(0|[1-9]\d*)>$/

/**
 * Returns whether `text` has the form `namespace:name`.
 *
 * @example
 * ```ts
 * isEntryId('app:proxy') // true
 * ```
 */
export function isEntryId(text: string): text is EntryId {
  return entryPattern.test(text)
}

/** Returns whether `text` can be a namespace or the name of an entry. */
export function isName(text: string): boolean {
  return namePattern.test(text)
}

/**
 * Parses `namespace:name`. With a `namespace`, a bare `name` is relative to it.
 *
 * @throws TroupeError `Invalid` when the text has neither form.
 */
export function entryId(text: string, namespace?: string): EntryId {
  if (isEntryId(text)) return text
  const full = namespace === undefined ? text : `${namespace}:${text}`
  if (isEntryId(full)) return full
  throw invalid(`"${text}" is not an entry id: expected "namespace:name"`, { id: text })
}

/** Returns the namespace of an id: `app.net` of `app.net:proxy`. */
export function namespaceOf(id: EntryId): string {
  return id.slice(0, id.indexOf(':'))
}

/** Returns the name of an id: `proxy` of `app.net:proxy`. */
export function nameOf(id: EntryId): string {
  return id.slice(id.indexOf(':') + 1)
}

/** Returns the pid of the process with number `serial` in thread `thread`. */
export function pid(thread: number, serial: number): Pid {
  const text = `<${thread}.${serial}>`
  if (isPid(text)) return text
  throw invalid(`${text} is not a pid: thread and serial are whole numbers from 0`)
}

/** The pid that was looked at last: code mostly sends to the same process again. */
let lately: string | undefined

/**
 * Returns whether `text` has the form of a pid.
 *
 * @example
 * ```ts
 * isPid('<3.1>') // true
 * ```
 */
export function isPid(text: string): text is Pid {
  if (text === lately) return true
  if (!pidPattern.test(text)) return false
  lately = text
  return true
}

/**
 * Returns the number of the thread that a process lives in. It is negative for a process of another node.
 *
 * @example
 * ```ts
 * log.info(`this is thread ${threadOf(self.pid)}`)
 * ```
 */
export function threadOf(id: Pid): number {
  return isRemote(id) ? remoteThread(id) : Number.parseInt(id.slice(1), 10)
}

/** The number of the thread of a process for this thread, from now on if it is one of another node. */
export function reach(pid: Pid): number {
  return isRemote(pid) ? reachPlace(placeOf(pid)) : threadOf(pid)
}

/** Returns the number of a process within its thread. */
export function serialOf(id: Pid): number {
  return Number.parseInt(id.slice(id.indexOf('.') + 1), 10)
}
