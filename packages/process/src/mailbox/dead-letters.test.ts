import { emptyFrame, pid } from '@troupe/core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { LostLetter } from '../protocol/kernel-thread.ts'
import { clearNetwork } from '../kernel/network/networks.ts'
import { deadLetterChannel, DeadLetters } from './dead-letters.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function letter(topic: string): LostLetter {
  return { from: pid(1, 1), to: pid(2, 1), topic, reason: 'it ended' }
}

const sender = { acting: emptyFrame, network: clearNetwork }

function deadLetters() {
  const lines: string[] = []
  return { lines, dead: new DeadLetters({ log: (line) => lines.push(line) }) }
}

describe('dead letters', () => {
  it('are counted, logged one by one, and published', () => {
    const { dead, lines } = deadLetters()
    const published: unknown[] = []
    const listener = (letter: unknown) => published.push(letter)
    deadLetterChannel.subscribe(listener)
    dead.add(letter('a'))
    deadLetterChannel.unsubscribe(listener)
    dead.add(letter('b'))
    expect(dead.count).toBe(2)
    expect(dead.recent.map(({ topic }) => topic)).toEqual(['a', 'b'])
    expect(published).toMatchObject([{ id: 1, ...letter('a') }])
    expect(lines[0]).toBe('dead letter from <1.1> to <2.1>, topic "a": it ended')
  })

  it('are kept up to a thousand, the latest ones', () => {
    const { dead } = deadLetters()
    for (let n = 0; n < 2500; n += 1) dead.add(letter(String(n)))
    expect(dead.count).toBe(2500)
    expect(dead.recent.map(({ topic }) => Number(topic))).toEqual(Array.from({ length: 1000 }, (_, i) => 1500 + i))
  })

  it('log at most ten lines a second, and then the number of the rest, even if no more come', () => {
    const { dead, lines } = deadLetters()
    for (let n = 0; n < 15; n += 1) dead.add(letter(String(n)))
    dead.addUncounted(100)
    dead.addUncounted(0)
    expect(lines).toHaveLength(10)
    vi.advanceTimersByTime(1000)
    expect(lines.slice(10)).toEqual(['105 more dead letters were not shown'])
    expect(dead.count).toBe(115)
    dead.add(letter('later'))
    expect(lines.at(-1)).toContain('"later"')
    vi.advanceTimersByTime(5000)
    expect(lines).toHaveLength(12)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('log the rest when disposed, and leave no timer', () => {
    const { dead, lines } = deadLetters()
    dead.addUncounted(7)
    dead[Symbol.dispose]()
    expect(lines).toEqual(['7 more dead letters were not shown'])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('keep contents for senders that are known, up to a size and a sum, and forget them when asked', () => {
    const dead = new DeadLetters({ log: () => undefined, keptBytes: 65_536 })
    const add = (bytes: number, known = true) =>
      dead.add({ ...letter('a'), kept: new Uint8Array(bytes) }, known ? sender : undefined)
    add(65_536)
    add(65_537)
    add(10, false)
    expect(dead.recent.map(({ id, bytes }) => [id, bytes])).toEqual([
      [1, 65_536],
      [2, undefined],
      [3, undefined],
    ])
    // 16 MiB are 256 of the largest.
    for (let n = 0; n < 256; n += 1) add(65_536)
    expect(dead.get(1).kept).toBeUndefined()
    expect(dead.recent[0]?.bytes).toBeUndefined()
    expect(dead.get(4).kept?.content).toHaveLength(65_536)
    dead.drop(4)
    expect(() => dead.get(4)).toThrow('there is no dead letter 4')
  })

  it('pin no more of the memory of a thread than their content', () => {
    const part = new Uint8Array(new ArrayBuffer(1_000_000), 0, 10)
    for (const keptBytes of [0, 10]) {
      const dead = new DeadLetters({ log: () => undefined, keptBytes })
      dead.add({ ...letter('a'), kept: part.subarray(0, 0) }, sender)
      dead.add({ ...letter('b'), kept: part }, sender)
      const sizes = [dead.get(1), dead.get(2)].map(({ kept }) => kept?.content.buffer.byteLength)
      expect(sizes).toEqual(keptBytes === 0 ? [undefined, undefined] : [0, 10])
    }
  })
})
