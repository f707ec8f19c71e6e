import { pid } from '@troupe/core'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { Account } from './account.ts'
import { Channel } from './channel.ts'
import { Flow, type FlowReport, openingWindow } from './flow.ts'

const from = pid(1, 1)
const to = pid(2, 1)

type Back = { readonly report: FlowReport } | { readonly arrived: number }

/** A sender's account and a receiver's flow, with a way between them on which nothing moves by itself. */
class Pair {
  readonly account = new Account(
    to,
    new Channel({ thread: 2, onParcel: () => undefined, onGarbled: () => undefined, onClose: () => undefined }),
  )
  readonly flow = new Flow(1)
  readonly window: number
  readonly forth: number[] = []
  readonly back: Back[] = []
  /** Letters that came and were not taken: number and sequence. */
  readonly waiting: { readonly letter: number; readonly sequence: number }[] = []
  readonly settled: { readonly letter: number; readonly how: 'accepted' | 'rejected' }[] = []
  readonly taken: number[] = []
  readonly unreported = new Set<number>()
  readonly dead: number[] = []
  readonly calls = new Set<number>()
  /** Letters to send and not posted yet. */
  readonly blocked = new Set<number>()
  count = 0
  over = false

  constructor(window: number) {
    this.window = window
  }

  send(isCall: boolean): void {
    const letter = this.#next(isCall)
    const post = () => {
      this.blocked.delete(letter)
      this.forth.push(letter)
    }
    let promise: Promise<void>
    if (this.account.take(from, String(letter), isCall)) {
      post()
      promise = this.account.hadRoom ? Promise.resolve() : this.account.accepted()
    } else {
      this.blocked.add(letter)
      promise = this.account.sendLater({ from, topic: String(letter), isCall, held: { withdrawn: false }, post })
    }
    promise.then(
      () => this.settled.push({ letter, how: 'accepted' }),
      () => this.settled.push({ letter, how: 'rejected' }),
    )
  }

  trySend(): void {
    const letter = this.#next(false)
    if (this.account.take(from, String(letter), false)) {
      this.forth.push(letter)
      this.settled.push({ letter, how: 'accepted' })
    } else this.settled.push({ letter, how: 'rejected' })
  }

  #next(isCall: boolean): number {
    const letter = this.count
    this.count += 1
    if (isCall) this.calls.add(letter)
    return letter
  }

  deliver(): void {
    const letter = this.forth.shift()
    if (letter === undefined) return
    if (this.over) this.back.push({ arrived: 0 })
    else {
      const first = this.flow.arrived === 0
      this.waiting.push({ letter, sequence: this.flow.arrive() })
      this.flow.admit()
      if (first || this.flow.arrived <= openingWindow) this.report()
    }
  }

  take(at: number): void {
    const [next] = this.waiting.splice(at % Math.max(1, this.waiting.length), 1)
    if (next === undefined) return
    this.taken.push(next.letter)
    this.unreported.add(next.letter)
    this.flow.taken(next.sequence)
    this.flow.free()
  }

  report(): void {
    if (this.over || this.flow.arrived === 0) return
    this.back.push({ report: this.flow.report(this.window) })
    this.unreported.clear()
  }

  hear(): void {
    const next = this.back.shift()
    if (next === undefined) return
    if ('report' in next) this.account.report(next.report)
    else this.#lose(next.arrived, 'it has ended')
  }

  /** The receiver ends, and its thread tells what it had not taken. */
  end(): void {
    if (this.over) return
    this.over = true
    this.dead.push(...this.waiting.splice(0).map(({ letter }) => letter))
    this.back.push({ arrived: this.flow.arrived })
  }

  /** The receiver's thread is gone. What it told is still heard. */
  kill(): void {
    this.over = true
    while (this.back.length > 0) this.hear()
    this.#lose(0, 'its thread is gone')
  }

  #lose(arrived: number, reason: string): void {
    this.dead.push(...this.account.close(arrived, reason).map(({ topic }) => Number(topic)))
  }
}

type Step = readonly [name: 'send' | 'call' | 'trySend' | 'deliver' | 'take' | 'report' | 'hear' | 'end', at: number]

const step: fc.Arbitrary<Step> = fc.tuple(
  fc.oneof(
    { weight: 8, arbitrary: fc.constant('send' as const) },
    { weight: 1, arbitrary: fc.constantFrom('call' as const, 'trySend' as const) },
    { weight: 8, arbitrary: fc.constant('deliver' as const) },
    { weight: 8, arbitrary: fc.constant('take' as const) },
    { weight: 4, arbitrary: fc.constant('report' as const) },
    { weight: 4, arbitrary: fc.constant('hear' as const) },
  ),
  fc.nat({ max: 30 }),
)

function play(pair: Pair, steps: readonly Step[]): void {
  for (const [name, at] of steps) {
    if (name === 'take') pair.take(at)
    else if (name === 'call') pair.send(true)
    else if (name === 'send') pair.send(false)
    else pair[name]()
    expect(pair.waiting.length + pair.forth.length).toBeLessThanOrEqual(Math.max(openingWindow, pair.window))
  }
}

const turn = async () => new Promise(setImmediate)
const steps = fc.array(step, { maxLength: 150, size: 'max' })
const window = fc.integer({ min: 1, max: 40 })

function rejectedOf(pair: Pair): number[] {
  return pair.settled.filter(({ how }) => how === 'rejected').map(({ letter }) => letter)
}

function sorted(numbers: Iterable<number>): number[] {
  return [...numbers].toSorted((a, b) => a - b)
}

describe('an account and its flow', () => {
  it('lose nothing while both live, keep the order, and wake all who wait', async () => {
    await fc.assert(
      fc.asyncProperty(window, steps, async (window, steps) => {
        const pair = new Pair(window)
        play(pair, steps)
        pair.report()
        while (pair.forth.length + pair.waiting.length + pair.back.length > 0) {
          pair.deliver()
          pair.take(0)
          if (pair.unreported.size > 0) pair.report()
          pair.hear()
        }
        await turn()
        expect(pair.blocked.size).toBe(0)
        expect(pair.settled).toHaveLength(pair.count)
        expect(sorted([...pair.taken, ...rejectedOf(pair)])).toEqual(sorted(Array(pair.count).keys()))
        expect(pair.account.hasUnacknowledged).toBe(false)
      }),
    )
  })

  it('account for each letter once when the receiver ends: taken, rejected, or dead', async () => {
    await fc.assert(
      fc.asyncProperty(window, steps, steps, async (window, before, after) => {
        const pair = new Pair(window)
        play(pair, before)
        pair.end()
        play(pair, after)
        while (pair.forth.length + pair.back.length > 0)
          play(pair, [
            ['deliver', 0],
            ['hear', 0],
          ])
        await turn()
        expect(pair.settled).toHaveLength(pair.count)
        const dead = pair.dead.filter((letter) => !pair.calls.has(letter))
        const told = new Set([...pair.taken, ...rejectedOf(pair), ...dead])
        const calls = sorted(pair.calls)
        expect(sorted([...told].filter((letter) => !pair.calls.has(letter)))).toEqual(
          sorted(Array(pair.count).keys()).filter((letter) => !calls.includes(letter)),
        )
        expect([...pair.taken, ...rejectedOf(pair), ...dead].length).toBe(told.size)
      }),
    )
  })

  it('account for each letter when the thread of the receiver is gone; only what it took last is told as dead as well', async () => {
    await fc.assert(
      fc.asyncProperty(window, steps, async (window, steps) => {
        const pair = new Pair(window)
        play(pair, steps)
        pair.kill()
        pair.send(false)
        await turn()
        expect(pair.settled).toHaveLength(pair.count)
        const told = [...pair.taken.filter((letter) => !pair.unreported.has(letter)), ...rejectedOf(pair), ...pair.dead]
        expect(new Set(told).size).toBe(told.length)
        for (let letter = 0; letter < pair.count; letter += 1) {
          expect(pair.calls.has(letter) || told.includes(letter) || pair.unreported.has(letter)).toBe(true)
        }
      }),
    )
  })

  it('wake who waits for room, however little comes', () => {
    vi.useFakeTimers()
    const pair = new Pair(openingWindow)
    for (let n = 0; n < 2 * openingWindow; n += 1) pair.send(false)
    for (let n = 0; n < openingWindow; n += 1) pair.deliver()
    while (pair.back.length > 0) pair.hear()
    for (let n = 0; n < openingWindow; n += 1) {
      expect(pair.blocked.size).toBe(openingWindow - n)
      pair.take(0)
      pair.report()
      pair.hear()
      vi.advanceTimersByTime(1000)
      pair.deliver()
    }
    expect([pair.blocked.size, vi.getTimerCount()]).toEqual([0, 0])
    vi.useRealTimers()
  })

  it('do not send what was withdrawn', async () => {
    const pair = new Pair(20)
    for (let n = 0; n < openingWindow; n += 1) pair.send(false)
    const held = { withdrawn: false }
    const posted: string[] = []
    const post = (name: string) => () => posted.push(name)
    void pair.account.sendLater({ from, topic: 'withdrawn', isCall: false, held, post: post('withdrawn') })
    void pair.account.sendLater({ from, topic: 'next', isCall: false, held: { withdrawn: false }, post: post('next') })
    held.withdrawn = true
    while (pair.forth.length > 0)
      play(pair, [
        ['deliver', 0],
        ['take', 0],
      ])
    play(pair, [
      ['report', 0],
      ['hear', 0],
      ['hear', 0],
    ])
    expect(posted).toEqual(['next'])
  })
})
