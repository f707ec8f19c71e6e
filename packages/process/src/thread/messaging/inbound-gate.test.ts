import { emptyFrame, entryId, fork, type Frame, type Pid, pid } from '@troupe/core'
import { MessageChannel } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import type { Signal } from '../../protocol/signals.ts'
import type { PeerNetwork, Privileges } from '../../protocol/kernel-thread.ts'
import { InboundGate } from './inbound-gate.ts'

const proxy = entryId('net:proxy')
const [one, two, sender] = [pid(1, 1), pid(1, 2), pid(2, 1)]
const send = (to: Pid, topic: string): Signal => ({
  op: 'send',
  to,
  from: sender,
  topic,
  frame: 0,
  payloads: [1],
  call: 0,
  claim: 'open',
})
const receiveWindow: Signal = {
  op: 'flow',
  from: sender,
  credits: 1,
  window: 1,
  head: 0,
  others: [],
  arrived: 0,
  waiting: [],
  room: 1,
}

const little = { actor: { id: 'mallory', meta: {} }, scope: [entryId('app:little')], values: {} }

function gate(privileges: Privileges, network: PeerNetwork = { overlay: null, isOwn: true }) {
  const passed: Signal[] = []
  const frames: Frame[] = []
  const refused: Signal[] = []
  const asked: string[] = []
  const it = new InboundGate({
    privileges,
    network,
    pass: (signal, frame) => {
      passed.push(signal)
      frames.push(frame)
    },
    refuse: (signal) => refused.push(signal),
    authorize: (action, target) => asked.push(`${action} ${target}`),
    identify: (from) => asked.push(`sender ${from}`),
  })
  return { it, passed, frames, refused, asked }
}

describe('a message from another thread', () => {
  it('passes without a request if no policy applies to its thread', () => {
    const { it, passed, asked } = gate({ policyEnforced: false })
    it.accept(send(one, 'a'), emptyFrame)
    it.accept({ op: 'link', target: one, other: sender }, emptyFrame)
    expect([passed.length, asked]).toEqual([2, []])
  })

  it('otherwise waits for the decision of the kernel, in order', () => {
    const { it, passed, refused, asked } = gate({ policyEnforced: true })
    it.onSender(sender, little)
    it.accept(receiveWindow, emptyFrame)
    it.accept(send(one, 'a'), emptyFrame)
    it.accept(send(two, 'b'), emptyFrame)
    it.accept(receiveWindow, emptyFrame)
    it.accept(send(one, 'c'), emptyFrame)
    expect([passed, asked]).toEqual([[receiveWindow], [`process.send ${one}`]])
    it.onAuthorized('process.send', one, true)
    expect([passed, asked]).toEqual([
      [receiveWindow, send(one, 'a')],
      [`process.send ${one}`, `process.send ${two}`],
    ])
    it.onAuthorized('process.send', two, false)
    expect(passed.slice(2)).toEqual([receiveWindow, send(one, 'c')])
    expect(refused).toEqual([send(two, 'b')])
    it.accept({ op: 'monitor', target: one, watcher: { pid: sender, promise: 0 } }, emptyFrame)
    expect(asked.at(-1)).toBe(`process.monitor ${one}`)
  })

  it('is authorised again when the policies have changed', () => {
    const { it, passed, asked } = gate({ policyEnforced: true })
    it.onSender(sender, little)
    it.accept(send(one, 'a'), emptyFrame)
    it.forget()
    expect(asked).toHaveLength(2)
    it.onAuthorized('process.send', one, true)
    it.forget()
    it.accept(send(one, 'b'), emptyFrame)
    expect([passed.length, asked.length]).toEqual([1, 3])
    it.onPrivileges({ policyEnforced: false })
    expect(passed).toHaveLength(2)
  })

  it('has the network that the kernel reports, whatever it claims', () => {
    const cleared = fork(emptyFrame, { overlay: null, values: { a: 1 } })
    const disguised = fork(emptyFrame, { overlay: entryId('net:other') })
    const framesIn = (network: PeerNetwork) => {
      const { it, frames } = gate({ policyEnforced: false }, network)
      for (const frame of [cleared, cleared, disguised]) it.accept(send(one, 'a'), frame)
      return frames
    }
    const [first, second, third] = framesIn({ overlay: proxy, isOwn: false })
    expect(first).toMatchObject({ overlay: proxy, values: { a: 1 } })
    expect(second).toBe(first)
    expect(third?.overlay).toBe(proxy)
    expect(framesIn({ overlay: null, isOwn: false })).toEqual([cleared, cleared, fork(emptyFrame, { overlay: null })])
  })

  it('has the actor that the kernel reports, whatever it claims', () => {
    const { it, frames, asked } = gate({ policyEnforced: false })
    const claimed = fork(emptyFrame, { actor: { id: 'admin', meta: {} }, scope: [], values: { tenant: 'theirs' } })
    it.accept(send(one, 'a'), claimed)
    it.accept(send(one, 'b'), emptyFrame)
    expect([frames, asked]).toEqual([[], [`sender ${sender}`]])
    it.onSender(sender, little)
    expect(frames).toEqual([{ ...claimed, ...little }, emptyFrame])
    it.accept(send(one, 'c'), claimed)
    expect(frames.at(-1)).toEqual({ ...claimed, ...little })
    expect(asked).toHaveLength(1)
  })

  it('has no actor if the kernel knows no such sender', () => {
    const { it, frames } = gate({ policyEnforced: false })
    it.accept(send(one, 'a'), fork(emptyFrame, { actor: { id: 'admin', meta: {} } }))
    it.onSender(sender)
    expect(frames).toEqual([emptyFrame])
  })

  it('cannot leave out its sender if policies apply to its thread', () => {
    const { it, frames, asked } = gate({ policyEnforced: true })
    it.accept(send(one, 'a'), emptyFrame)
    it.onAuthorized('process.send', one, true)
    expect([frames, asked.at(-1)]).toEqual([[], `sender ${sender}`])
    it.onSender(sender, little)
    expect(frames).toMatchObject([{ actor: { id: 'mallory' } }])
  })

  it('of another network contains nothing that could carry work', () => {
    const { it } = gate({ policyEnforced: false }, { overlay: proxy, isOwn: false })
    const { port1 } = new MessageChannel()
    const signals: readonly Signal[] = [
      { op: 'send', to: one, from: sender, topic: 'a', frame: 0, payloads: [{ port1 }], call: 0, claim: 'held' },
      { op: 'reply', call: 1, payload: new SharedArrayBuffer(1) },
      { op: 'exit', from: sender, watcher: { pid: one, promise: 1 }, exit: { value: [port1] } },
    ]
    for (const signal of signals)
      expect(() => {
        it.accept(signal, emptyFrame)
      }).toThrow('does not cross')
    port1.close()
  })

  it('reaches a process of another network only if that accepts it', () => {
    const other = entryId('net:other')
    const from = (network: PeerNetwork) => gate({ policyEnforced: false }, network).it
    const accepted = (network: PeerNetwork) =>
      [[], [other], [proxy], 'any' as const].map((accepts) => from(network).isAccepted(accepts))
    expect(accepted({ overlay: proxy, isOwn: false })).toEqual([false, false, true, true])
    expect(accepted({ overlay: proxy, isOwn: true })).toEqual([true, true, true, true])
    expect(accepted({ overlay: null, isOwn: false })).toEqual([true, true, true, true])
  })
})
