import { emptyFrame, entryId, fork, type Pid, pid } from '@troupe/core'
import { describe, expect, it } from 'vitest'
import type { Parcel, Standing } from '../protocol.ts'
import { Border } from './border.ts'

const proxy = entryId('net:proxy')
const [one, two, sender] = [pid(1, 1), pid(1, 2), pid(2, 1)]
const send = (to: Pid, topic: string): Parcel => ({ op: 'send', to, from: sender, topic, frame: 0, payloads: [1], call: 0 })
const flow: Parcel = { op: 'flow', from: sender, credits: 1, window: 1, head: 0, others: [] }

function border(standing: Standing) {
  const passed: Parcel[] = []
  const refused: Parcel[] = []
  const asked: string[] = []
  const it = new Border({
    standing,
    pass: (parcel) => passed.push(parcel),
    refuse: (parcel) => refused.push(parcel),
    vouch: (action, target) => asked.push(`${action} ${target}`),
  })
  return { it, passed, refused, asked }
}

describe('what comes from a thread', () => {
  it('passes without a question when not all of its code is asked about', () => {
    const { it, passed, asked } = border({ governed: false, confined: undefined })
    it.take(send(one, 'a'))
    it.take({ op: 'link', target: one, other: sender })
    expect([passed.length, asked]).toEqual([2, []])
  })

  it('else waits for the word of the kernel, in order', () => {
    const { it, passed, refused, asked } = border({ governed: true, confined: undefined })
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
    const { it, passed, asked } = border({ governed: true, confined: undefined })
    it.take(send(one, 'a'))
    it.forget()
    expect(asked).toHaveLength(2)
    it.onVouched('process.send', one, true)
    it.forget()
    it.take(send(one, 'b'))
    expect([passed.length, asked.length]).toEqual([1, 3])
    it.onStanding({ governed: false, confined: undefined })
    expect(passed).toHaveLength(2)
  })

  it('is in the overlay that its thread never left', () => {
    const { it } = border({ governed: false, confined: proxy })
    const cleared = fork(emptyFrame, { overlay: null, values: { a: 1 } })
    expect(it.frameOf(cleared)).toMatchObject({ overlay: proxy, values: { a: 1 } })
    expect(it.frameOf(cleared)).toBe(it.frameOf(cleared))
    expect(it.frameOf(emptyFrame).overlay).toBe(proxy)
    const other = fork(emptyFrame, { overlay: entryId('net:other') })
    expect(it.frameOf(other)).toBe(other)
    it.onStanding({ governed: false, confined: undefined })
    expect(it.frameOf(cleared)).toBe(cleared)
  })
})
