import { emptyFrame, type Pid, pid } from '@troupe/core'
import { describe, expect, it } from 'vitest'
import type { Signal } from './signals.ts'
import { faultInBatch, strayIn } from './signal-rules.ts'

const [own, other] = [1, 2]
const [here, there, elsewhere] = [pid(own, 1), pid(other, 1), pid(3, 1)]
const report = { credits: 1, window: 1, room: 1, head: 0, others: [], arrived: 0, waiting: [] }

/** Signals with two pids, by kind: the receiver and the sender. */
const named: Readonly<Record<string, (near: Pid, far: Pid) => Signal>> = {
  send: (to, from) => ({
    op: 'send',
    to,
    from,
    topic: 'a',
    frame: { number: 0, frame: emptyFrame },
    payloads: [1],
    call: 0,
    claim: 'open',
  }),
  monitor: (target, watcher) => ({ op: 'monitor', target, watcher: { pid: watcher, promise: 1 } }),
  unmonitor: (target, watcher) => ({ op: 'unmonitor', target, watcher }),
  link: (target, far) => ({ op: 'link', target, other: far }),
  unlink: (target, far) => ({ op: 'unlink', target, other: far }),
  exit: (near, from) => ({ op: 'exit', from, watcher: { pid: near, promise: 1 }, exit: { value: 1 } }),
  linkDown: (to, from) => ({ op: 'linkDown', from, to, error: undefined }),
}
/** Signals with one pid, by kind. */
const toHere: Readonly<Record<string, (near: Pid) => Signal>> = {
  giveBack: (to) => ({ op: 'giveBack', to, credits: 1 }),
}
const fromThere: Readonly<Record<string, (far: Pid) => Signal>> = {
  receiveWindow: (from) => ({ op: 'flow', from, ...report }),
  reclaim: (from) => ({ op: 'reclaim', from, keep: 0 }),
  closed: (gone) => ({ op: 'closed', pid: gone, arrived: 0 }),
  refused: (by) => ({ op: 'refused', pid: by, call: 0, network: null }),
}

describe('on a channel between two threads', () => {
  it.each(Object.entries(named))('%s is about a process at either end', (_, make) => {
    expect(strayIn(make(here, there), { own, other })).toBeUndefined()
    for (const wrong of [there, elsewhere]) expect(strayIn(make(wrong, there), { own, other })).toBe(wrong)
    for (const wrong of [here, elsewhere]) expect(strayIn(make(here, wrong), { own, other })).toBe(wrong)
  })

  it.each(Object.entries(toHere))('%s is for a process here', (_, make) => {
    expect([here, there, elsewhere].map((near) => strayIn(make(near), { own, other }))).toEqual([
      undefined,
      there,
      elsewhere,
    ])
  })

  it.each(Object.entries(fromThere))('%s is from a process there', (_, make) => {
    expect([there, here, elsewhere].map((far) => strayIn(make(far), { own, other }))).toEqual([
      undefined,
      here,
      elsewhere,
    ])
  })

  it('the rest names no process', () => {
    for (const signal of [{ op: 'mark' }, { op: 'passed' }, { op: 'reply', call: 1, payload: 1 }] as const)
      expect(strayIn(signal, { own, other })).toBeUndefined()
  })
})

it('a frame carries a tracestate of 512 characters at most', () => {
  const batch = (length: number) => [
    { ...named['send']?.(here, there), frame: { number: 0, frame: { ...emptyFrame, traceState: 'a'.repeat(length) } } },
  ]
  expect([faultInBatch(batch(512)), faultInBatch(batch(513))]).toEqual([undefined, expect.any(String)])
})
