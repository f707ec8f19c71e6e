/**
 * Which roles may send which requests to the kernel, and the shape of each message, checked before other code looks
 * inside. The kernel handles no request without a rule. A message that breaks these rules ends the thread that sent it.
 */
import { foreignIn } from './foreign-handles.ts'
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
  nothing,
  oneOf,
  optional,
  pidText,
  quoted,
  real,
  record,
  shape,
  text,
} from './validators.ts'
import { wireError, wireExit } from './signal-rules.ts'
import type { RequestName } from './requests.ts'
import type { ToKernel } from './kernel-thread.ts'

/**
 * What the kernel started in a thread: `program`, the one around the application; `process`, code of the application;
 * `call`, a function; `server`, Troupe's HTTP server and the clients that act in it; `lane`, a thread that serves an
 * endpoint for a server; `connection`, a WebSocket or a stream of events.
 */
export type Role = 'program' | 'process' | 'call' | 'server' | 'lane' | 'connection'

export interface RequestRule {
  readonly by: readonly Role[]
  readonly ask: Guard
}

const anyone: readonly Role[] = ['program', 'process', 'call', 'server', 'lane', 'connection']
const servers: readonly Role[] = ['server']

/** Maximum number of items in a list that a thread posts. */
const most = 4096
const values = record
const choice = shape({ network: optional(either(oneOf(null), entryText)), actor: optional(record), scope: optional(list(entryText, most)) })
const inherit = shape({
  overlay: optional(either(oneOf(null), entryText)),
  values,
  deadline: optional(real),
  trace: optional(text),
})
const watcher = shape({ pid: pidText, promise: count })
const args = list(anything, 1 << 16)
const numbered = shape({ request: count })
const ofPid = shape({ pid: pidText })
const ofEntry = shape({ entry: entryText })
const ofSupervisor = shape({ supervisor: text })
const ofChild = shape({ supervisor: text, child: text })
const ofMember = shape({ group: text, pid: pidText })
const nothingAsked = shape({})
const question = { action: text, resource: text, meta: record }
const id = shape({ id: entryText })
const whole = shape({ version: count })

function by(roles: readonly Role[], ask: Guard): RequestRule {
  return { by: roles, ask }
}

export const requestRules: Readonly<Record<RequestName, RequestRule>> = {
  spawn: by(
    anyone,
    shape({
      entry: entryText,
      host: entryText,
      args,
      choice,
      inherit,
      monitor: optional(watcher),
      link: optional(pidText),
      name: optional(text),
      messages: optional(list(shape({ topic: text, payload: anything }), most)),
    }),
  ),
  call: by(anyone, shape({ entry: entryText, args, choice, inherit })),
  program: by(anyone, ofEntry),
  upgrade: by(['process'], ofEntry),
  cancelCall: by(anyone, numbered),
  terminate: by(anyone, ofPid),
  cancel: by(anyone, shape({ pid: pidText, reason: text })),
  register: by(anyone, shape({ name: text, pid: pidText })),
  unregister: by(anyone, shape({ name: text })),
  lookup: by(anyone, shape({ name: text })),
  permit: by(anyone, shape({ action: text, resource: longText, port: optional(count) })),
  can: by(anyone, shape(question)),
  evaluate: by(anyone, shape({ ...question, scope: list(entryText, most), actor: optional(record) })),
  policy: by(anyone, id),
  namedScope: by(anyone, shape({ group: text })),
  select: by(anyone, shape({ overlay: either(oneOf(null), entryText) })),
  route: by(anyone, shape({ overlay: entryText })),
  dial: by(anyone, record),
  cancelDial: by(anyone, numbered),
  resolve: by(anyone, shape({ name: text, family: oneOf(0, 4, 6) })),
  leaseAddresses: by(anyone, shape({ back: optional(count) })),
  isAddressLeased: by(anyone, shape({ number: count })),
  bind: by(anyone, shape({ overlay: entryText, options: shape({ port: real, tls: optional(flag) }) })),
  unbind: by(anyone, shape({ number: count })),
  entry: by(anyone, id),
  entries: by(anyone, shape({ kind: optional(text), meta: optional(record) })),
  startChild: by(anyone, shape({ supervisor: text, child: anything })),
  terminateChild: by(anyone, ofChild),
  restartChild: by(anyone, ofChild),
  deleteChild: by(anyone, ofChild),
  whichChildren: by(anyone, ofSupervisor),
  countChildren: by(anyone, ofSupervisor),
  partition: by(anyone, shape({ supervisor: text, key: either(text, real), child: optional(text) })),
  joinGroup: by(anyone, ofMember),
  leaveGroup: by(anyone, ofMember),
  groupMembers: by(anyone, shape({ group: text })),
  broadcastTo: by(anyone, shape({ group: text })),
  openConnection: by(['server', 'program'], shape({ entry: entryText, ticket: text })),
  converse: by(['connection'], nothingAsked),
  createToken: by(anyone, shape({ store: entryText, grant: anything })),
  validateToken: by(anyone, shape({ store: entryText, token: anything })),
  revokeToken: by(anyone, either(shape({ store: entryText, id: text }), shape({ store: entryText, actor: text }))),
  openSession: by(anyone, shape({ store: entryText, token: anything, inherit })),
  openLane: by(servers, shape({ endpoint: entryText, session: optional(pidText) })),
  closeLane: by(servers, shape({ lane: pidText })),
  lendSession: by(servers, shape({ lane: pidText })),
  identify: by(servers, shape({ peer: record })),
  serving: by(servers, shape({ host: text, port: count })),
  apply: by(anyone, shape({ changes: anything })),
  version: by(anyone, nothingAsked),
  history: by(anyone, nothingAsked),
  rollback: by(anyone, whole),
  log: by(anyone, record),
  input: by(anyone, nothingAsked),
  getEnv: by(anyone, shape({ name: text })),
  setEnv: by(anyone, shape({ name: text, value: longText })),
}

/** Requests and their fields may hold anything that structured clone carries, except handles. */
const request = shape({ type: anything, number: count, by: pidText, name: knownName, ask: record })
function knownName(name: unknown): string | undefined {
  return typeof name === 'string' && Object.hasOwn(requestRules, name) ? undefined : ''
}

function chunk(value: unknown): string | undefined {
  return longText(value) === undefined || value instanceof Uint8Array ? undefined : ''
}

/** The shape of each message to the kernel. */
const messageRules: Readonly<Record<ToKernel['type'], Guard>> = {
  request,
  ready: shape({ type: anything }),
  processStarted: shape({ type: anything, pid: pidText, by: pidText, entry: entryText, inherit }),
  processUnknown: shape({ type: anything, pid: pidText }),
  exiting: shape({ type: anything, pid: pidText }),
  upgradable: shape({ type: anything, pid: pidText, on: flag }),
  finished: shape({ type: anything, pid: text, exit: wireExit }),
  failed: shape({ type: anything, pid: pidText, entry: optional(entryText), error: wireError, late: flag }),
  connect: shape({ type: anything, thread: count, letters: optional(oneOf(true)) }),
  pong: shape({ type: anything }),
  dry: shape({ type: anything }),
  settling: shape({ type: anything }),
  settled: shape({ type: anything }),
  authorize: shape({ type: anything, via: count, action: text, target: pidText }),
  output: shape({ type: anything, stream: oneOf(1, 2), chunk }),
  deadLetters: shape({
    type: anything,
    letters: list(shape({ from: pidText, to: text, topic: text, reason: longText }), most),
    dropped: count,
  }),
  breach: shape({ type: anything, thread: count, why: text }),
  sender: shape({ type: anything, via: count, pid: pidText }),
  streams: shape({ type: anything, overlay: entryText, oldest: either(nothing, real) }),
}

const rulesByType: ReadonlyMap<string, Guard> = new Map(Object.entries(messageRules))

/** Messages and requests that may contain arbitrary values. */
const carriers: ReadonlySet<unknown> = new Set(['finished', 'processStarted', 'failed'])
const carryingQuestions: ReadonlySet<unknown> = new Set<RequestName>([
  'spawn',
  'call',
  'can',
  'evaluate',
  'dial',
  'entries',
  'startChild',
  'createToken',
  'validateToken',
  'openSession',
  'identify',
  'apply',
  'log',
])

/** Describes what is wrong with a message that a thread posted; `undefined` for a valid message to the kernel. */
export function faultIn(message: unknown): string | undefined {
  if (!isRecord(message)) return 'it posted an invalid message'
  const { type } = message
  const rule = typeof type === 'string' ? rulesByType.get(type) : undefined
  if (rule === undefined) return 'it posted a message of an unknown type'
  const wrong = rule(message)
  if (wrong !== undefined) return `its message ${quoted(type)} is wrong at ${quoted(wrong)}`
  const { name, ask } = message
  const carries = type === 'request' ? carryingQuestions.has(name) : carriers.has(type)
  const foreign = carries ? foreignIn(ask ?? message) : undefined
  return foreign === undefined ? undefined : `there is ${foreign} in its message ${quoted(type)}`
}
