/**
 * Which roles may send which requests to the kernel, and the shape of each message, checked before other code looks
 * inside. The packages above this one have such rules for their own requests. The kernel handles no request without a
 * rule. A message that breaks these rules ends the thread that sent it.
 */
import { longestTraceState } from '@troupe/core'
import { maxName } from '@troupe/policy'
import { maxLetterText } from '../mailbox/dead-letter-batch.ts'
import { mostCells, mostCellText } from './inspection.ts'
import { decodingCost, foreignIn, startWeighing } from './foreign-handles.ts'
import { messageBudget } from './message-budget.ts'
import {
  anything,
  bytes,
  count,
  either,
  entryText,
  flag,
  type Guard,
  isRecord,
  isSearched,
  list,
  longText,
  nothing,
  oneOf,
  optional,
  pidText,
  placeText,
  quoted,
  real,
  record,
  searching,
  shape,
  text,
  textUpTo,
} from './validators.ts'
import { wireError, wireExit } from './signal-rules.ts'
import type { KernelRequests, RequestRule, RequestRules, RestrictedAction } from './requests.ts'
import type { ToKernel } from './kernel-thread.ts'

/** Maximum number of items in a list that a thread posts. */
export const mostListed = 4096
/**
 * The kernel keeps names. V8 gives all texts of one length beyond 16,383 characters the same hash, so that a table of
 * them is searched from end to end.
 */
const nameText = textUpTo(maxName)
/** One is short, but a thread posts many together. */
const letterText = searching(textUpTo(maxLetterText))
/** Of an inspection: many together, as dead letters. */
const cellText = searching(textUpTo(mostCellText))
const values = record
export const choiceShape = shape({
  network: optional(either(oneOf(null), entryText)),
  actor: optional(record),
  scope: optional(list(entryText, mostListed)),
})
export const inheritShape = shape({
  overlay: optional(either(oneOf(null), entryText)),
  values,
  deadline: optional(real),
  trace: optional(text),
  traceState: optional(textUpTo(longestTraceState)),
})
const watcher = shape({ pid: pidText, promise: count })
const args = list(anything, 1 << 16)
const numbered = shape({ request: count })
const ofPid = shape({ pid: pidText })
const ofEntry = shape({ entry: entryText })
const ofSupervisor = shape({ supervisor: nameText })
const ofChild = shape({ supervisor: nameText, child: nameText })
const ofMember = shape({ group: nameText, pid: pidText })
const nothingAsked = shape({})
const question = { action: text, resource: text, meta: record }
const id = shape({ id: entryText })

/** The rules of the requests of this package. */
export const kernelRequests: RequestRules<keyof KernelRequests> = {
  spawn: {
    by: 'anyone',
    ask: shape({
      entry: entryText,
      host: entryText,
      args,
      choice: choiceShape,
      inherit: inheritShape,
      monitor: optional(watcher),
      link: optional(pidText),
      name: optional(nameText),
      messages: optional(list(shape({ topic: text, payload: anything }), mostListed)),
    }),
    beyondSeal: ({ host }, isSealed) =>
      isSealed(host)
        ? undefined
        : {
            name: `start anything in ${host}, which is not sealed`,
            action: 'process.host',
            resource: host,
            byPolicy: true,
          },
  },
  program: { by: 'anyone', ask: ofEntry },
  upgrade: { by: ['process'], ask: ofEntry },
  terminate: { by: 'anyone', ask: ofPid },
  cancel: { by: 'anyone', ask: shape({ pid: pidText, reason: text }) },
  register: { by: 'anyone', ask: shape({ name: nameText, pid: pidText }) },
  unregister: { by: 'anyone', ask: shape({ name: nameText }) },
  lookup: { by: 'anyone', ask: shape({ name: nameText }) },
  permit: { by: 'anyone', ask: shape({ action: text, resource: longText, port: optional(count) }) },
  can: { by: 'anyone', ask: shape(question) },
  evaluate: { by: 'anyone', ask: shape({ ...question, scope: list(entryText, mostListed), actor: optional(record) }) },
  policy: { by: 'anyone', ask: id },
  namedScope: { by: 'anyone', ask: shape({ group: nameText }) },
  select: { by: 'anyone', ask: shape({ overlay: either(oneOf(null), entryText) }) },
  route: { by: 'anyone', ask: shape({ overlay: entryText }), forThread: 'always' },
  dial: { by: 'anyone', ask: record, forThread: 'ungoverned' },
  cancelDial: { by: 'anyone', ask: numbered },
  resolve: { by: 'anyone', ask: shape({ name: text, family: oneOf(0, 4, 6) }), forThread: 'ungoverned' },
  leaseAddresses: { by: 'anyone', ask: shape({ back: optional(count) }), forThread: 'always' },
  isAddressLeased: { by: 'anyone', ask: shape({ number: count }), forThread: 'always' },
  bind: {
    by: 'anyone',
    ask: shape({ overlay: entryText, options: shape({ port: real, tls: optional(flag) }) }),
    beyondSeal: ({ overlay }) => ({
      name: 'listen: its threads cannot accept connections',
      action: 'network.bind',
      resource: overlay,
      byPolicy: false,
    }),
  },
  unbind: { by: 'anyone', ask: shape({ number: count }) },
  entry: { by: 'anyone', ask: id, beyondSeal: ({ id: entry }) => readsRegistry(entry) },
  entries: {
    by: 'anyone',
    ask: shape({ kind: optional(text), meta: optional(record) }),
    beyondSeal: () => readsRegistry('*'),
  },
  startChild: { by: 'anyone', ask: shape({ supervisor: nameText, child: anything }), beyondSeal: startsChild },
  terminateChild: { by: 'anyone', ask: ofChild, beyondSeal: stopsChild },
  restartChild: { by: 'anyone', ask: ofChild, beyondSeal: startsChild },
  deleteChild: { by: 'anyone', ask: ofChild, beyondSeal: stopsChild },
  whichChildren: { by: 'anyone', ask: ofSupervisor },
  countChildren: { by: 'anyone', ask: ofSupervisor },
  partition: { by: 'anyone', ask: shape({ supervisor: nameText, key: either(text, real), child: optional(nameText) }) },
  joinGroup: { by: 'anyone', ask: ofMember },
  leaveGroup: { by: 'anyone', ask: ofMember },
  groupMembers: { by: 'anyone', ask: shape({ group: nameText }) },
  broadcastTo: { by: 'anyone', ask: shape({ group: nameText }) },
  log: { by: 'anyone', ask: record },
  input: {
    by: 'anyone',
    ask: nothingAsked,
    beyondSeal: () => ({
      name: 'read the standard input of the program',
      action: 'input.read',
      resource: 'stdin',
      byPolicy: false,
    }),
  },
  sendLater: {
    by: 'anyone',
    ask: shape({
      to: nameText,
      topic: text,
      payload: anything,
      time: either(shape({ in: real }), shape({ at: real })),
      id: optional(nameText),
      durable: flag,
      inherit: inheritShape,
    }),
    beyondSeal: ({ to, durable }) =>
      durable ? { name: 'keep messages in a file', action: 'process.send', resource: to, byPolicy: false } : undefined,
  },
  cancelLater: { by: 'anyone', ask: shape({ id: nameText }) },
  getEnv: {
    by: 'anyone',
    ask: shape({ name: text }),
    beyondSeal: ({ name }) => ({ name: 'read variables', action: 'env.get', resource: name, byPolicy: true }),
  },
  setEnv: {
    by: 'anyone',
    ask: shape({ name: text, value: longText }),
    beyondSeal: ({ name }) => ({ name: 'set variables', action: 'env.set', resource: name, byPolicy: true }),
  },
}

function startsChild({ supervisor }: { readonly supervisor: string }): RestrictedAction {
  return { name: 'start children of supervisors', action: 'process.spawn', resource: supervisor, byPolicy: true }
}

function stopsChild({ supervisor }: { readonly supervisor: string }): RestrictedAction {
  return { name: 'stop children of supervisors', action: 'process.terminate', resource: supervisor, byPolicy: true }
}

/** Reading an entry, or many of them, beyond the seal of a thread. */
export function readsRegistry(resource: string): RestrictedAction {
  return { name: 'read the registry', action: 'registry.get', resource, byPolicy: true }
}

/** The rules of all requests that a kernel handles, by their names. */
export type KnownRequests = ReadonlyMap<string, { readonly rule: RequestRule }>

/** The shape of each message to the kernel. */
const messageRules: Readonly<Record<ToKernel['type'], Guard>> = {
  /** What it asks for is checked by the rule of its name. */
  request: shape({ type: text, number: count, by: pidText, name: text, ask: record }),
  ready: shape({ type: text }),
  processStarted: shape({ type: text, pid: pidText, by: pidText, entry: entryText, inherit: inheritShape }),
  processUnknown: shape({ type: text, pid: pidText }),
  exiting: shape({ type: text, pid: pidText }),
  upgradable: shape({ type: text, pid: pidText, on: flag }),
  finished: shape({ type: text, pid: text, exit: wireExit }),
  failed: shape({ type: text, pid: pidText, entry: optional(entryText), error: wireError, late: flag }),
  connect: shape({ type: text, thread: count, letters: optional(oneOf(true)) }),
  pong: shape({ type: text }),
  dry: shape({ type: text }),
  settling: shape({ type: text }),
  settled: shape({ type: text }),
  authorize: shape({ type: text, via: count, action: text, target: pidText }),
  delivered: shape({ type: text, number: count, outcome: oneOf('accepted', 'handled', 'gone', 'refused') }),
  output: shape({ type: text, stream: oneOf(1, 2), chunk: either(longText, bytes) }),
  deadLetters: shape({
    type: text,
    letters: list(
      shape({ from: pidText, to: letterText, topic: letterText, reason: letterText, kept: optional(bytes) }),
      mostListed,
    ),
    dropped: count,
  }),
  breach: shape({ type: text, thread: count, why: text }),
  remote: either(
    shape({ type: text, place: placeText, about: oneOf('reach') }),
    shape({ type: text, place: placeText, about: oneOf('breach'), why: text }),
    shape({ type: text, place: placeText, about: oneOf('authorize'), action: text, target: pidText }),
  ),
  sender: shape({ type: text, via: count, pid: pidText }),
  inspected: shape({ type: text, number: count, cells: list(either(cellText, real), mostCells), isLast: flag }),
  streams: shape({ type: text, overlay: entryText, oldest: either(nothing, real) }),
}

/** From an operating-system process that cannot run anything (`pipe/messages.ts`). */
const broken = shape({ type: text, error: wireError })

/** Describes what is wrong with such a message; `undefined` for a valid one. */
export function faultInBroken(message: unknown): string | undefined {
  const wrong = broken(message)
  return wrong === undefined ? undefined : `its message "broken" is wrong at ${quoted(wrong)}`
}

const rulesByType: ReadonlyMap<string, Guard> = new Map(Object.entries(messageRules))

/** Describes what is wrong with a message that a thread posted; `undefined` for a valid message to the kernel. */
export function faultIn(message: unknown, requests: KnownRequests): string | undefined {
  if (!isRecord(message)) return 'it posted an invalid message'
  const { type } = message
  const guard = typeof type === 'string' ? rulesByType.get(type) : undefined
  if (guard === undefined) return 'it posted a message of an unknown type'
  const wrong = guard(message)
  if (wrong !== undefined) return `its message ${quoted(type)} is wrong at ${quoted(wrong)}`
  return type === 'request' ? faultInRequest(message, requests) : faultInCarried(message, guard, type)
}

/** The fields that the rule of a request names are checked later, so that the caller learns what is wrong in them. */
function faultInRequest({ name, ask }: Readonly<Record<string, unknown>>, requests: KnownRequests): string | undefined {
  const known = typeof name === 'string' ? requests.get(name) : undefined
  if (known === undefined) return `its message "request" is wrong at "name"`
  return faultInCarried(ask, known.rule.ask, 'request')
}

/** Requests and messages may hold anything that structured clone carries, except handles. They are weighed. */
function faultInCarried(value: unknown, guard: Guard, type: unknown): string | undefined {
  if (!isSearched(guard) || (type === 'finished' && isSimple(value))) return undefined
  startWeighing()
  const foreign = foreignIn(value)
  if (foreign !== undefined) return `there is ${foreign} in its message ${quoted(type)}`
  return decodingCost() > messageBudget ? `its message ${quoted(type)} holds more values than one may` : undefined
}

/** Whether a valid end holds nothing that must be searched, as most results of functions. */
function isSimple(finished: unknown): boolean {
  const exit = isRecord(finished) ? finished['exit'] : undefined
  return isRecord(exit) && typeof exit['value'] === 'number'
}
