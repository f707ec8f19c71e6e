/** Well-formed messages of a thread that expect no reply, and signals to other threads: each makes a false claim. */
import type { Draw } from './draw.ts'
import type { Questions } from './questions.ts'

const wireError = {
  name: 'Error',
  kind: 'Internal',
  message: 'forged',
  retryable: false,
  final: false,
  details: {},
  fields: {},
}

/** Claims to the kernel. Those that no honest thread can make are not included: they end the thread. */
export function note(draw: Draw, questions: Questions): object {
  const pid = questions.pid()
  return draw.from<() => object>([
    () => ({ type: 'processUnknown', pid }),
    () => ({ type: 'exiting', pid: otherThan(pid, questions) }),
    () => ({ type: 'upgradable', pid, on: true }),
    () => ({ type: 'finished', pid: otherThan(pid, questions), exit: { value: 'forged' } }),
    () => ({ type: 'finished', pid: otherThan(pid, questions), exit: { value: 'x'.repeat(2 ** 20) } }),
    () => ({ type: 'failed', pid, entry: questions.entry(), error: wireError, late: false }),
    () => ({ type: 'connect', thread: questions.thread() }),
    () => ({ type: 'dry' }),
    () => ({ type: 'settling' }),
    () => ({ type: 'settled' }),
    () => ({ type: 'authorize', via: questions.thread(), action: 'process.send', target: pid }),
    () => ({ type: 'output', stream: 2, chunk: '' }),
    () => ({
      type: 'deadLetters',
      letters: [{ from: pid, to: questions.pid(), topic: 'forged', reason: 'forged' }],
      dropped: 1,
    }),
    // A content that is none, in the name of another.
    () => ({
      type: 'deadLetters',
      letters: [{ from: questions.pid(), to: pid, topic: 'forged', reason: 'forged', kept: new Uint8Array(64) }],
      dropped: 0,
    }),
    () => ({ type: 'sender', via: questions.thread(), pid }),
    () => ({ type: 'streams', overlay: questions.entry(), oldest: 1 }),
  ])()
}

/** Messages that end the thread that sends them, although they are well formed. */
export function lie(draw: Draw, questions: Questions): object {
  return draw.from<object>([
    {
      type: 'processStarted',
      pid: questions.pid(),
      by: questions.pid(),
      entry: questions.entry(),
      inherit: questions.inherit(),
    },
    { type: 'breach', thread: questions.thread(), why: 'forged' },
    { type: 'claim', overlay: null, via: questions.thread() },
    { type: 'upgraded', pid: questions.pid(), entry: questions.entry() },
    { units: draw.from([1, 600, 1023, 5000]) },
  ])
}

function otherThan(pid: string, questions: Questions): string {
  return pid === questions.own ? '<0.0>' : pid
}

/**
 * One signal to the thread of `near`, from `far`. No honest thread sends a signal from a process that lives at neither
 * end of the channel.
 */
export function signal(draw: Draw, near: string, far: string): object {
  const number = draw.below(50)
  const letter = { op: 'send', to: near, from: far, topic: 'forged', frame: claimedFrame(draw), payloads: ['forged'] }
  return draw.from<() => object>([
    () => ({ ...letter, call: number, claim: 'open' }),
    () => ({ ...letter, call: 0, claim: 'held' }),
    () => ({ ...letter, call: 0, claim: 'try' }),
    () => ({ op: 'reply', call: number, payload: 'forged' }),
    () => ({ op: 'badReply', call: number, error: wireError }),
    () => ({
      op: 'flow',
      from: far,
      credits: 1e6,
      window: 1e6,
      room: 1,
      head: number,
      others: [],
      arrived: number,
      waiting: [],
    }),
    () => ({ op: 'reclaim', from: far, keep: 0 }),
    () => ({ op: 'giveBack', to: near, credits: number }),
    () => ({ op: 'closed', pid: far, arrived: number, error: wireError }),
    () => ({ op: 'refused', pid: far, call: number, network: null }),
    () => ({ op: 'mark' }),
    () => ({ op: 'monitor', target: near, watcher: { pid: far, promise: number } }),
    () => ({ op: 'unmonitor', target: near, watcher: far }),
    () => ({ op: 'link', target: near, other: far }),
    () => ({ op: 'unlink', target: near, other: far }),
    // A process may say how it ended: the test, in the main thread, would get that in place of the attacker's report.
    () => ({
      op: 'exit',
      from: far,
      watcher: { pid: near, promise: number + ofTest(near) },
      exit: { value: 'forged' },
    }),
    () => ({ op: 'linkDown', from: far, to: near, error: wireError }),
  ])()
}

/** What makes a promise none that the test waits for. */
function ofTest(pid: string): number {
  return pid === '<0.0>' ? 1e6 : 0
}

function claimedFrame(draw: Draw): object {
  const acting = draw.oneIn(2) ? { actor: { id: 'admin', meta: {} }, scope: ['app:everything'] } : {}
  return { number: draw.below(8), frame: { ...acting, values: {}, ...(draw.oneIn(2) && { overlay: null }) } }
}
