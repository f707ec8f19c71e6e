import { describe, expect, it } from 'vitest'
import type { Envelope } from './message.ts'
import { envelope, mailbox, payloads, wait, waiting } from '../testing/mailbox.ts'

/** Order does not matter. */
function byValue(a: unknown, b: unknown): number {
  return String(a).localeCompare(String(b))
}

describe('a mailbox', () => {
  it('returns messages in the order in which they came', () => {
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

  it('admits waiting senders in order as room becomes free, and no one past them', async () => {
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

  it('lets room gather for a single sender, for one turn at most', async () => {
    const { box } = mailbox(8)
    const log: unknown[] = []
    for (let n = 0; n < 8; n += 1) box.put(envelope('a', n))
    const first = waiting(box, 'a', 8, log)
    box.take()
    expect(box.size).toBe(7)
    box.take()
    // A quarter of the mailbox is free.
    expect(box.size).toBe(7)
    await first
    box.put(envelope('a', 9))
    const second = waiting(box, 'a', 10, log)
    box.take()
    expect(box.size).toBe(7)
    expect(box.hasRoom('a')).toBe(false)
    await second
    expect(log).toEqual([
      [8, true],
      [10, true],
    ])
    expect(payloads(box)).toEqual([3, 4, 5, 6, 7, 8, 9, 10])
  })

  it('passes a message to a waiting receiver, and does not count it as queued', () => {
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

  it('closes with all unread messages, and rejects senders', async () => {
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

  it('admits waiting senders when a selective receive looks further than it can keep', async () => {
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

  it('rejects waiting senders when it closes', async () => {
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
  it('passes over other messages, and they keep their order', () => {
    const { box } = mailbox()
    for (const [topic, n] of Object.entries({ a: 1, b: 2, c: 3 })) box.put(envelope(topic, n))
    expect(box.take('c')?.payload).toBe(3)
    expect(box.take('nothing')).toBeUndefined()
    box.put(envelope('b', 4))
    expect(box.take('b')?.payload).toBe(2)
    expect(payloads(box)).toEqual([1, 4])
  })

  it('frees the room of messages that it passes over, up to the size of the stash; the rest are dead letters', () => {
    const { box, overflown } = mailbox(2)
    for (const n of [1, 2]) box.put(envelope('a', n))
    expect(box.take('b')).toBeUndefined()
    expect(box.hasRoom('a')).toBe(true)
    for (const n of [3, 4]) box.put(envelope('a', n))
    expect(box.take('b')).toBeUndefined()
    expect(overflown.map(({ payload }) => payload)).toEqual([3, 4])
    expect(payloads(box)).toEqual([1, 2])
  })

  it('finds the message of a sender that waited for room', async () => {
    const { box } = mailbox(1)
    box.put(envelope('a', 1))
    const sender = waiting(box, 'b', 2)
    expect(box.take('b')?.payload).toBe(2)
    await sender
    expect(payloads(box)).toEqual([1])
  })

  it('waits past messages of other topics', () => {
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

describe('a message whose sender waits until it is handled', () => {
  const watched = (topic: string, handled: unknown[]): Envelope => ({
    ...envelope(topic, topic),
    onHandled: () => handled.push(topic),
  })

  it('is handled when its receiver asks for the next one', () => {
    const { box } = mailbox()
    const handled: unknown[] = []
    box.put(watched('a', handled))
    box.take()
    expect(handled).toEqual([])
    box.take()
    expect(handled).toEqual(['a'])
    box.take()
    expect(handled).toEqual(['a'])
  })

  it('is handled when another receiver of the process gets such a message', () => {
    const { box } = mailbox()
    const handled: unknown[] = []
    const own = box.open('t')
    for (const part of [box, own])
      wait(
        part,
        undefined,
        () => undefined,
        () => undefined,
      )
    box.put(watched('a', handled))
    box.put(watched('t', handled))
    expect(handled).toEqual(['a'])
    own.take()
    expect(handled).toEqual(['a', 't'])
  })

  it('is handled when it is dropped', () => {
    const { box, overflown } = mailbox(1)
    const handled: unknown[] = []
    for (const topic of ['a', 'b']) {
      box.put(watched(topic, handled))
      expect(box.take('other')).toBeUndefined()
    }
    expect(overflown).toHaveLength(1)
    expect(handled).toEqual(['b'])
  })
})

describe('a topic with its own mailbox', () => {
  it('takes its queued messages, and gets new ones', () => {
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

  it('has its own capacity and its own senders', async () => {
    const { box } = mailbox(1)
    const own = box.open('t')
    box.put(envelope('t', 1))
    expect([box.hasRoom('t'), box.hasRoom('a')]).toEqual([false, true])
    const sender = waiting(box, 't', 2)
    expect(own.take()?.payload).toBe(1)
    await sender
    expect(own.take()?.payload).toBe(2)
  })

  it('admits senders when it is opened, and when it is closed', async () => {
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

  it('ends for its receivers when it is closed, and its messages go to receivers of other topics', () => {
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
