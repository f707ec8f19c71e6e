import { emptyFrame, entryId, fork, type Pid, pid } from '@troupe/core'
import { describe, expect, it } from 'vitest'
import type { Parcel, PeerNetwork, Standing } from '../protocol.ts'
import { Border } from './border.ts'

const proxy = entryId('net:proxy')
const [one, two, sender] = [pid(1, 1), pid(1, 2), pid(2, 1)]
const send = (to: Pid, topic: string): Parcel => ({ op: 'send', to, from: sender, topic, frame: 0, payloads: [1], call: 0, claim: 'open' })
const flow: Parcel = { op: 'flow', from: sender, credits: 1, window: 1, head: 0, others: [], arrived: 0, waiting: [], room: 1 }

function border(standing: Standing, network: PeerNetwork = { overlay: null, isOwn: true }) {
  const passed: Parcel[] = []
  const refused: Parcel[] = []
  const asked: string[] = []
  const it = new Border({
    standing,
    network,
    pass: (parcel) => passed.push(parcel),
    refuse: (parcel) => refused.push(parcel),
    vouch: (action, target) => asked.push(`${action} ${target}`),
  })
  return { it, passed, refused, asked }
}

describe('what comes from a thread', () => {
  it('passes without a question when not all of its code is asked about', () => {
    const { it, passed, asked } = border({ governed: false })
    it.take(send(one, 'a'))
    it.take({ op: 'link', target: one, other: sender })
    expect([passed.length, asked]).toEqual([2, []])
  })

  it('else waits for the word of the kernel, in order', () => {
    const { it, passed, refused, asked } = border({ governed: true })
    it.take(flow)
    it.take(send(one, 'a'))
    it.take(send(two, 'b'))
    it.take(flow)
    it.take(send(one, 'c'))
    expect([passed, asked]).toEqual([[flow], [`process.send ${one}`]])
    it.onVouched('process.send', one, true)
    expect([passed, asked]).toEqual([
      [flow, send(one, 'a')],
      [`process.send ${one}`, `process.send ${two}`],
    ])
    it.onVouched('process.send', two, false)
    expect(passed.slice(2)).toEqual([flow, send(one, 'c')])
    expect(refused).toEqual([send(two, 'b')])
    it.take({ op: 'monitor', target: one, watcher: { pid: sender, promise: 0 } })
    expect(asked.at(-1)).toBe(`process.monitor ${one}`)
  })

  it('is asked about again when the policies have changed', () => {
    const { it, passed, asked } = border({ governed: true })
    it.take(send(one, 'a'))
    it.forget()
    expect(asked).toHaveLength(2)
    it.onVouched('process.send', one, true)
    it.forget()
    it.take(send(one, 'b'))
    expect([passed.length, asked.length]).toEqual([1, 3])
    it.onStanding({ governed: false })
    expect(passed).toHaveLength(2)
  })

  it('is in the network that the kernel says, whatever it says itself', () => {
    const inProxy = border({ governed: false }, { overlay: proxy, isOwn: false }).it
    const cleared = fork(emptyFrame, { overlay: null, values: { a: 1 } })
    expect(inProxy.frameOf(cleared)).toMatchObject({ overlay: proxy, values: { a: 1 } })
    expect(inProxy.frameOf(cleared)).toBe(inProxy.frameOf(cleared))
    const disguised = fork(emptyFrame, { overlay: entryId('net:other') })
    expect(inProxy.frameOf(disguised).overlay).toBe(proxy)
    const inTheClear = border({ governed: false }, { overlay: null, isOwn: false }).it
    expect(inTheClear.frameOf(disguised).overlay).toBe(null)
    expect(inTheClear.frameOf(cleared)).toBe(cleared)
  })

  it('reaches a process of another network only where that accepts it', () => {
    const other = entryId('net:other')
    const from = (network: PeerNetwork) => border({ governed: false }, network).it
    const accepted = (network: PeerNetwork) => [[], [other], [proxy], 'any' as const].map((accepts) => from(network).isAccepted(accepts))
    expect(accepted({ overlay: proxy, isOwn: false })).toEqual([false, false, true, true])
    expect(accepted({ overlay: proxy, isOwn: true })).toEqual([true, true, true, true])
    expect(accepted({ overlay: null, isOwn: false })).toEqual([true, true, true, true])
  })
})
