/** What is checked of each signal from another thread, before other code looks inside. */
import { frameTableSize, isRemote, longestTraceState, type Pid, threadOf } from '@troupe/core'
import { addText, holdsFile } from './foreign-handles.ts'
import {
  anything,
  count,
  either,
  entryText,
  flag,
  type Guard,
  isRecord,
  list,
  longText,
  oneOf,
  optional,
  pidText,
  quoted,
  real,
  record,
  shape,
  text,
  textUpTo,
} from './validators.ts'
import { checkCrossing } from './network-crossing.ts'
import type { Signal, SignalOf } from './signals.ts'

/** Maximum number of messages and other signals in a batch. */
export const maxBatch = 256
const mostListed = 1 << 20

/** An error as plain data. */
export const wireError = shape({
  name: longText,
  base: optional(text),
  kind: text,
  message: longText,
  retryable: flag,
  final: flag,
  details: anything,
  fields: anything,
  stack: optional(longText),
  cause: anything,
  isValue: optional(flag),
})
export const wireExit = either(shape({ value: anything }), shape({ error: wireError }))

const op = anything
const overlay = optional(either(oneOf(null), entryText))
const number: Guard = (value) =>
  Number.isInteger(value) && Number(value) >= 0 && Number(value) < frameTableSize ? undefined : ''
const frame = shape({
  overlay,
  actor: optional(shape({ id: text, meta: record })),
  scope: optional(list(entryText, mostListed)),
  values: record,
  deadline: optional(real),
  trace: optional(text),
  traceState: optional(textUpTo(longestTraceState)),
})
const reference = either(number, shape({ number, frame }))
const watcher = shape({ pid: pidText, promise: count })
const numbers = list(count, mostListed)
const aboutLink = shape({ op, target: pidText, other: pidText })
const bare = shape({ op })

/** What is checked of a signal of one kind, before a thread handles it. */
export interface SignalRule<Of extends Signal = Signal> {
  /** Its fields. */
  readonly shape: Guard
  /** The action on a process here that policies must allow, and that waits until the process has started. */
  readonly action?: string
  /** The process in this thread that it is for. */
  near?(signal: Of): Pid
  /** The process in the other thread that it comes from. */
  far?(signal: Of): Pid
  /** @throws TroupeError `Invalid` if something in it could carry work to another network. */
  checkCrossing?(signal: Of): void
}

const about = (action: string) => ({
  action: `process.${action}`,
  near: ({ target }: { readonly target: Pid }) => target,
})
const byOther = ({ other }: { readonly other: Pid }) => other
const sender = ({ from }: { readonly from: Pid }) => from
const named = ({ pid }: { readonly pid: Pid }) => pid
const receiver = ({ to }: { readonly to: Pid }) => to

const signalRules: { readonly [Op in Signal['op']]: SignalRule<SignalOf<Op>> } = {
  send: {
    // Checked by hand for speed, because there are many messages.
    shape: faultInSend,
    action: 'process.send',
    near: receiver,
    far: sender,
    checkCrossing: ({ payloads }) => {
      for (const payload of payloads) checkCrossing(payload, 'payload')
    },
  },
  reply: {
    shape: shape({ op, call: count, payload: carried }),
    checkCrossing: ({ payload }) => {
      checkCrossing(payload, 'reply', true)
    },
  },
  badReply: { shape: shape({ op, call: count, error: wireError }) },
  flow: {
    shape: shape({
      op,
      from: pidText,
      credits: count,
      window: count,
      room: real,
      head: count,
      others: numbers,
      arrived: count,
      waiting: numbers,
    }),
    far: sender,
  },
  reclaim: { shape: shape({ op, from: pidText, keep: count }), far: sender },
  giveBack: { shape: shape({ op, to: pidText, credits: count }), near: receiver },
  closed: { shape: shape({ op, pid: pidText, arrived: count, error: optional(wireError) }), far: named },
  refused: {
    shape: shape({ op, pid: pidText, call: count, network: either(oneOf(null), entryText) }),
    far: named,
  },
  mark: { shape: bare },
  passed: { shape: bare },
  monitor: { shape: shape({ op, target: pidText, watcher }), ...about('monitor'), far: ({ watcher: { pid } }) => pid },
  unmonitor: {
    shape: shape({ op, target: pidText, watcher: pidText }),
    ...about('unmonitor'),
    far: ({ watcher: pid }) => pid,
  },
  link: { shape: aboutLink, ...about('link'), far: byOther },
  unlink: { shape: aboutLink, ...about('unlink'), far: byOther },
  exit: {
    shape: shape({ op, from: pidText, watcher, exit: wireExit }),
    near: ({ watcher: { pid } }) => pid,
    far: sender,
    checkCrossing: ({ exit }) => {
      checkCrossing(exit, 'exit', true)
    },
  },
  linkDown: {
    shape: shape({ op, from: pidText, to: pidText, error: optional(wireError) }),
    near: receiver,
    far: sender,
  },
}
/** The rule of a signal. */
export function signalRule({ op: kind }: Signal): SignalRule {
  return signalRules[kind]
}

const rulesByOp: ReadonlyMap<unknown, SignalRule> = new Map<unknown, SignalRule>(Object.entries(signalRules))

const claims: ReadonlySet<unknown> = new Set(['held', 'open', 'try'])
/** Number of fields of a message. */
const fields = 8

/** A payload may hold everything that structured clone carries, except files and sockets. It is weighed. */
function carried(value: unknown): string | undefined {
  if (typeof value === 'object') return holdsFile(value) ? '' : undefined
  addText(value)
  return undefined
}

/** The pids that were checked last: most messages concern few pids. */
let lately: readonly [unknown, unknown] = [Symbol('none'), Symbol('none')]

function isKnownPid(value: unknown): boolean {
  if (value === lately[0] || value === lately[1]) return true
  if (pidText(value) !== undefined) return false
  lately = [value, lately[0]]
  return true
}

function faultInSend(signal: unknown): string | undefined {
  if (!isRecord(signal)) return ''
  const { to, from, topic, frame: sent, payloads, call, claim } = signal
  if (!isKnownPid(to) || !isKnownPid(from)) return 'to'
  if (text(topic) !== undefined) return 'topic'
  if (number(sent) !== undefined && reference(sent) !== undefined) return 'frame'
  if (count(call) !== undefined || !claims.has(claim)) return 'call'
  if (!Array.isArray(payloads) || payloads.length === 0 || payloads.length > maxBatch) return 'payloads'
  let named = 0
  for (const _ in signal) named += 1
  if (named !== fields) return ''
  for (const payload of payloads) if (typeof payload !== 'number' && carried(payload) !== undefined) return 'payloads'
  return undefined
}

function faultIn(signal: unknown): string | undefined {
  if (!isRecord(signal)) return 'it sent an invalid signal'
  const { op: name } = signal
  // Most signals are messages.
  const wrong = name === 'send' ? faultInSend(signal) : faultInOther(name, signal)
  return wrong === undefined ? undefined : `its signal ${quoted(name)} is wrong at ${quoted(wrong)}`
}

function faultInOther(name: unknown, signal: Readonly<Record<string, unknown>>): string | undefined {
  const rule = rulesByOp.get(name)
  if (rule === undefined) return 'op'
  const wrong = rule.shape(signal)
  if (wrong !== undefined) return wrong
  // The values in an exit, an error or its details.
  return 'exit' in signal || 'error' in signal ? carried(signal) : undefined
}

/** Describes what is wrong with what another thread posted; `undefined` for a valid batch of signals. */
export function faultInBatch(batch: unknown): string | undefined {
  if (!Array.isArray(batch) || batch.length === 0 || batch.length > maxBatch)
    return 'it posted an invalid batch of signals'
  for (const signal of batch) {
    const wrong = faultIn(signal)
    if (wrong !== undefined) return wrong
  }
  return undefined
}

export interface Ends {
  /** Number of this thread. */
  readonly own: number
  /** Number of the thread at the other end. */
  readonly other: number
}

/** The last pids that were looked up, with their threads. */
let lookedUp: readonly [Pid, number] | undefined
let before: readonly [Pid, number] | undefined

function livesIn(pid: Pid, thread: number): boolean {
  if (lookedUp?.[0] === pid) return lookedUp[1] === thread
  if (before?.[0] === pid) return before[1] === thread
  // Numbers of other nodes change.
  if (isRemote(pid)) return threadOf(pid) === thread
  before = lookedUp
  lookedUp = [pid, threadOf(pid)]
  return lookedUp[1] === thread
}

/**
 * Checks the pids of a signal: it must come from a process in the thread at the other end, and be for a process in this
 * thread. Other signals are not allowed on a channel between two threads. Returns a pid that lives at neither end, or
 * at the wrong end; `undefined` for a valid signal.
 */
export function strayIn(signal: Signal, { own, other }: Ends): Pid | undefined {
  // Most signals are messages.
  if (signal.op === 'send') return strayOf(signal.to, signal.from, own, other)
  const rule = signalRule(signal)
  return strayOf(rule.near?.(signal), rule.far?.(signal), own, other)
}

function strayOf(near: Pid | undefined, far: Pid | undefined, own: number, other: number): Pid | undefined {
  if (near !== undefined && !livesIn(near, own)) return near
  return far !== undefined && !livesIn(far, other) ? far : undefined
}
