import { pid } from '@troupe/core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { DeadLetter } from '../protocol/kernel-thread.ts'
import { deadLetterChannel, DeadLetters } from './dead-letters.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function letter(topic: string): DeadLetter {
  return { from: pid(1, 1), to: pid(2, 1), topic, reason: 'it ended' }
}

function deadLetters() {
  const lines: string[] = []
  return { lines, dead: new DeadLetters({ log: (line) => lines.push(line) }) }
}

describe('dead letters', () => {
  it('are counted, told one by one, and published', () => {
    const { dead, lines } = deadLetters()
    const published: unknown[] = []
    const listener = (letter: unknown) => published.push(letter)
    deadLetterChannel.subscribe(listener)
    dead.add(letter('a'))
    deadLetterChannel.unsubscribe(listener)
    dead.add(letter('b'))
    expect(dead.count).toBe(2)
    expect(dead.recent.map(({ topic }) => topic)).toEqual(['a', 'b'])
    expect(published).toEqual([letter('a')])
    expect(lines[0]).toBe('dead letter from <1.1> to <2.1>, topic "a": it ended')
  })

  it('are kept up to a thousand, the last ones', () => {
    const { dead } = deadLetters()
    for (let n = 0; n < 2500; n += 1) dead.add(letter(String(n)))
    expect(dead.count).toBe(2500)
    expect(dead.recent.map(({ topic }) => Number(topic))).toEqual(Array.from({ length: 1000 }, (_, i) => 1500 + i))
  })

  it('take ten lines a second at most, and then one that says how many were not shown, even if no more come', () => {
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

  it('say what was not shown when they are done with, and leave no timer', () => {
    const { dead, lines } = deadLetters()
    dead.addUncounted(7)
    dead[Symbol.dispose]()
    expect(lines).toEqual(['7 more dead letters were not shown'])
    expect(vi.getTimerCount()).toBe(0)
  })
})
