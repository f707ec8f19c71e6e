/** The shape of each signal from another thread, checked before other code looks inside. */
import { frameTableSize } from '@troupe/core'
import { holdsFile } from './foreign-handles.ts'
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
} from './validators.ts'
import type { Signal } from './signals.ts'

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
const number: Guard = (value) => (Number.isInteger(value) && Number(value) >= 0 && Number(value) < frameTableSize ? undefined : '')
const frame = shape({
  overlay,
  actor: optional(shape({ id: text, meta: record })),
  scope: optional(list(entryText, mostListed)),
  values: record,
  deadline: optional(real),
  trace: optional(text),
})
const reference = either(number, shape({ number, frame }))
const watcher = shape({ pid: pidText, promise: count })
const numbers = list(count, mostListed)
const aboutLink = shape({ op, target: pidText, other: pidText })
const bare = shape({ op })

const rules: Readonly<Record<Exclude<Signal['op'], 'send'>, Guard>> = {
  reply: shape({ op, call: count, payload: carried }),
  badReply: shape({ op, call: count, error: wireError }),
  flow: shape({
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
  reclaim: shape({ op, from: pidText, keep: count }),
  giveBack: shape({ op, to: pidText, credits: count }),
  closed: shape({ op, pid: pidText, arrived: count, error: optional(wireError) }),
  refused: shape({ op, pid: pidText, call: count, network: either(oneOf(null), entryText) }),
  mark: bare,
  passed: bare,
  monitor: shape({ op, target: pidText, watcher }),
  unmonitor: shape({ op, target: pidText, watcher: pidText }),
  link: aboutLink,
  unlink: aboutLink,
  exit: shape({ op, from: pidText, watcher, exit: wireExit }),
  linkDown: shape({ op, from: pidText, to: pidText, error: optional(wireError) }),
}
const rulesByOp: ReadonlyMap<unknown, Guard> = new Map(Object.entries(rules))
const claims: ReadonlySet<unknown> = new Set(['held', 'open', 'try'])
/** Number of fields of a message. */
const fields = 8

/** A payload may hold everything that structured clone carries, except files and sockets. */
function carried(value: unknown): string | undefined {
  return holdsFile(value) ? '' : undefined
}

/** The pids that were checked last: most messages concern few pids. */
let lately: readonly [unknown, unknown] = [Symbol('none'), Symbol('none')]

function isKnownPid(value: unknown): boolean {
  if (value === lately[0] || value === lately[1]) return true
  if (pidText(value) !== undefined) return false
  lately = [value, lately[0]]
  return true
}

/** Written by hand for speed, because there are many messages. */
function faultInSend(signal: Readonly<Record<string, unknown>>): string | undefined {
  const { to, from, topic, frame: sent, payloads, call, claim } = signal
  if (!isKnownPid(to) || !isKnownPid(from)) return 'to'
  if (text(topic) !== undefined) return 'topic'
  if (number(sent) !== undefined && reference(sent) !== undefined) return 'frame'
  if (count(call) !== undefined || !claims.has(claim)) return 'call'
  if (!Array.isArray(payloads) || payloads.length === 0 || payloads.length > maxBatch) return 'payloads'
  let named = 0
  for (const _ in signal) named += 1
  if (named !== fields) return ''
  for (const payload of payloads) if (typeof payload === 'object' && holdsFile(payload)) return 'payloads'
  return undefined
}

function faultIn(signal: unknown): string | undefined {
  if (!isRecord(signal)) return 'it sent an invalid signal'
  const { op: name } = signal
  const wrong = name === 'send' ? faultInSend(signal) : faultInOther(name, signal)
  return wrong === undefined ? undefined : `its signal ${quoted(name)} is wrong at ${quoted(wrong)}`
}

function faultInOther(name: unknown, signal: Readonly<Record<string, unknown>>): string | undefined {
  const rule = rulesByOp.get(name)
  if (rule === undefined) return 'op'
  const wrong = rule(signal)
  if (wrong !== undefined) return wrong
  // The values in an exit, an error or its details.
  return 'exit' in signal || 'error' in signal ? carried(signal) : undefined
}

/** Describes what is wrong with what another thread posted; `undefined` for a valid batch of signals. */
export function faultInBatch(batch: unknown): string | undefined {
  if (!Array.isArray(batch) || batch.length === 0 || batch.length > maxBatch) return 'it posted an invalid batch of signals'
  for (const signal of batch) {
    const wrong = faultIn(signal)
    if (wrong !== undefined) return wrong
  }
  return undefined
}
