import { describe, expect, it } from 'vitest'
import { envelope, mailbox, payloads, wait, waiting } from '../testing/mailbox.ts'

/** Order does not matter. */
function byValue(a: unknown, b: unknown): number {
  return String(a).localeCompare(String(b))
}

describe('a mailbox', () => {
  it('gives letters in the order in which they came', () => {
    const { box } = mailbox()
    for (const n of [1, 2, 3]) box.put(envelope('a', n))
    expect(box.size).toBe(3)
    expect(payloads(box)).toEqual([1, 2, 3])
    expect(box.size).toBe(0)
  })

  it('has room up to its capacity', () => {
    const { box } = mailbox(2)
    box.put(envelope('a', 1))
    expect(box.hasRoom('a')).toBe(true)
    box.put(envelope('a', 2))
    expect(box.hasRoom('a')).toBe(false)
    box.take()
    expect(box.hasRoom('a')).toBe(true)
  })

  it('lets senders in as room comes, in the order of asking, and nobody past them', async () => {
    const { box } = mailbox(1)
    const log: unknown[] = []
    box.put(envelope('a', 0))
    const all = [waiting(box, 'a', 1, log), waiting(box, 'a', 2, log)]
    expect(box.take()?.payload).toBe(0)
    expect(box.hasRoom('a')).toBe(false)
    await all[0]
    expect(log).toEqual([[1, true]])
    expect(payloads(box)).toEqual([1, 2])
    await Promise.all(all)
    expect(log).toEqual([
      [1, true],
      [2, true],
    ])
  })

  it('hands a letter to who waits for it, and does not count it as waiting', () => {
    const { box } = mailbox()
    const got: unknown[] = []
    wait(
      box,
      undefined,
      (next) => got.push(next.payload),
      () => got.push('end'),
    )
    const giveUp = wait(
      box,
      'b',
      (next) => got.push(next.payload),
      () => got.push('end'),
    )
    box.put(envelope('a', 1))
    giveUp()
    box.put(envelope('b', 2))
    expect(got).toEqual([1])
    expect(payloads(box)).toEqual([2])
  })

  it('closes with all that was not taken, and turns senders away', async () => {
    const { box } = mailbox(2)
    const own = box.open('own')
    box.put(envelope('a', 1))
    box.put(envelope('own', 2))
    box.put(envelope('a', 3))
    const log: unknown[] = []
    const sender = waiting(box, 'a', 4, log)
    const left = box.close().map(({ payload }) => payload)
    expect(left.toSorted(byValue)).toEqual([1, 2, 3])
    await sender
    expect(log).toEqual([[4, false]])
    expect([box.size, own.size]).toEqual([0, 0])
  })

  it('gives way to what waits for room when a selective receive looks further than it can keep', async () => {
    const { box, overflown } = mailbox(2)
    box.put(envelope('a', 1))
    box.put(envelope('a', 2))
    const log: unknown[] = []
    const sender = waiting(box, 'a', 3, log)
    expect(box.take('other')).toBeUndefined()
    await sender
    expect(log).toEqual([[3, true]])
    expect(overflown.map(({ payload }) => payload)).toEqual([3])
    expect(payloads(box)).toEqual([1, 2])
  })

  it('turns away who waits for room when it closes', async () => {
    const { box } = mailbox(1)
    box.open('own')
    box.put(envelope('a', 1))
    box.put(envelope('own', 1))
    const log: unknown[] = []
    const senders = [waiting(box, 'a', 2, log), waiting(box, 'own', 3, log)]
    expect(box.close()).toHaveLength(2)
    await Promise.all(senders)
    expect(log.toSorted(byValue)).toEqual([
      [2, false],
      [3, false],
    ])
  })
})

describe('a selective receive', () => {
  it('passes others over, and they keep their order', () => {
    const { box } = mailbox()
    for (const [topic, n] of Object.entries({ a: 1, b: 2, c: 3 })) box.put(envelope(topic, n))
    expect(box.take('c')?.payload).toBe(3)
    expect(box.take('nothing')).toBeUndefined()
    box.put(envelope('b', 4))
    expect(box.take('b')?.payload).toBe(2)
    expect(payloads(box)).toEqual([1, 4])
  })

  it('frees the room of what it passes over, as far as the stash goes; the rest are dead letters', () => {
    const { box, overflown } = mailbox(2)
    for (const n of [1, 2]) box.put(envelope('a', n))
    expect(box.take('b')).toBeUndefined()
    expect(box.hasRoom('a')).toBe(true)
    for (const n of [3, 4]) box.put(envelope('a', n))
    expect(box.take('b')).toBeUndefined()
    expect(overflown.map(({ payload }) => payload)).toEqual([3, 4])
    expect(payloads(box)).toEqual([1, 2])
  })

  it('finds the letter of a sender that waited for room', async () => {
    const { box } = mailbox(1)
    box.put(envelope('a', 1))
    const sender = waiting(box, 'b', 2)
    expect(box.take('b')?.payload).toBe(2)
    await sender
    expect(payloads(box)).toEqual([1])
  })

  it('waits past letters of other topics', () => {
    const { box } = mailbox()
    const got: unknown[] = []
    wait(
      box,
      'b',
      (next) => got.push(next.payload),
      () => undefined,
    )
    for (const [topic, n] of Object.entries({ a: 1, b: 2, c: 3 })) box.put(envelope(topic, n))
    expect(got).toEqual([2])
    expect(payloads(box)).toEqual([1, 3])
  })
})

describe('a topic with a mailbox of its own', () => {
  it('takes what waits of it along, and gets what comes', () => {
    const { box } = mailbox()
    for (const [topic, n] of Object.entries({ a: 1, t: 2, b: 3 })) box.put(envelope(topic, n))
    box.take('b')
    box.put(envelope('t', 4))
    const own = box.open('t')
    box.put(envelope('t', 5))
    expect(box.open('t')).toBe(own)
    expect(payloads(own)).toEqual([2, 4, 5])
    expect(payloads(box)).toEqual([1])
  })

  it('has room of its own, and senders of its own', async () => {
    const { box } = mailbox(1)
    const own = box.open('t')
    box.put(envelope('t', 1))
    expect([box.hasRoom('t'), box.hasRoom('a')]).toEqual([false, true])
    const sender = waiting(box, 't', 2)
    expect(own.take()?.payload).toBe(1)
    await sender
    expect(own.take()?.payload).toBe(2)
  })

  it('lets senders in when it is opened, and when it is shut', async () => {
    const { box } = mailbox(1)
    box.put(envelope('t', 1))
    const first = waiting(box, 't', 2)
    const other = waiting(box, 'a', 3)
    const own = box.open('t')
    await other
    expect(payloads(box)).toEqual([3])
    box.shut('t')
    expect(payloads(box)).toEqual([1, 2])
    await first
    expect(own.isShut).toBe(true)
  })

  it('ends for who waits on it when it is shut, and its letters go to who waits for others', () => {
    const { box } = mailbox()
    const got: unknown[] = []
    const own = box.open('t')
    own.put(envelope('t', 1))
    own.take('other')
    own.put(envelope('t', 2))
    wait(
      box,
      undefined,
      (next) => got.push(next.payload),
      () => got.push('end of all'),
    )
    box.shut('t')
    expect(got).toEqual([1])
    expect(payloads(box)).toEqual([2])
    wait(
      box.open('u'),
      undefined,
      () => got.push('never'),
      () => got.push('end'),
    )
    box.shut('u')
    box.put(envelope('u', 3))
    expect(got).toEqual([1, 'end'])
    box.shut('never opened')
  })
})
