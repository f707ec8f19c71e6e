import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { bounded, settledWithin, withDeadline } from './deadline.ts'
import { systemClock } from './clock.ts'
import { keepAlive, nodeTimeout, sleep, startDeadline, startInterval, startTimer } from './timers.ts'

const day = 86_400_000
const durations = fc.oneof(
  fc.integer({ min: 1, max: 400 * day }),
  fc.constantFrom(0x7fffffff, 0x80000000, 0xffffffff, 0x100000000),
)

async function errorOf(promise: Promise<unknown>): Promise<string | undefined> {
  return promise.then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  )
}

beforeEach(() => {
  vi.useFakeTimers({
    toFake: [
      'setTimeout',
      'clearTimeout',
      'setInterval',
      'clearInterval',
      'setImmediate',
      'clearImmediate',
      'performance',
    ],
  })
})

afterEach(() => {
  vi.useRealTimers()
})

describe('a timer', () => {
  it('fires once when due, however long the delay', () => {
    fc.assert(
      fc.property(durations, (ms) => {
        const fired = vi.fn<() => void>()
        startTimer(fired, ms)
        vi.advanceTimersByTime(ms - 1)
        expect(fired).not.toHaveBeenCalled()
        vi.advanceTimersByTime(1)
        expect(fired).toHaveBeenCalledTimes(1)
        expect(vi.getTimerCount()).toBe(0)
      }),
    )
  })

  it('never fires after an infinite delay, or once stopped', () => {
    const fired = vi.fn<() => void>()
    startTimer(fired, Infinity)
    startInterval(fired, Infinity)
    const long = startTimer(fired, 100 * day)
    vi.advanceTimersByTime(60 * day)
    long.stop()
    expect(vi.getTimerCount()).toBe(0)
    vi.advanceTimersByTime(1000 * day)
    expect(fired).not.toHaveBeenCalled()
  })

  it('passes its argument on, and stays unreferenced over several native timers', () => {
    const heard: number[] = []
    startTimer((n) => heard.push(n), 50 * day, 7).unref()
    vi.advanceTimersByTime(49 * day)
    vi.advanceTimersByTime(day)
    expect(heard).toEqual([7])
  })

  it('fires repeatedly as an interval', () => {
    const fired = vi.fn<() => void>()
    const timer = startInterval(fired, 30 * day)
    vi.advanceTimersByTime(95 * day)
    expect(fired).toHaveBeenCalledTimes(3)
    timer.stop()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('restarts when it is refreshed', () => {
    for (const ms of [1000, 40 * day]) {
      const fired = vi.fn<() => void>()
      const timer = startTimer(fired, ms)
      vi.advanceTimersByTime(ms - 1)
      timer.refresh()
      vi.advanceTimersByTime(ms - 1)
      expect(fired).not.toHaveBeenCalled()
      vi.advanceTimersByTime(1)
      expect(fired).toHaveBeenCalledTimes(1)
    }
  })

  it('keeps the program alive until it is stopped', () => {
    keepAlive().stop()
    expect(vi.getTimerCount()).toBe(0)
  })
})

it('a deadline handles pending events first, and can be stopped by them', async () => {
  vi.useRealTimers()
  const { port1, port2 } = new MessageChannel()
  let timer = startTimer(() => undefined, 0)
  const heard = new Promise((resolve) => {
    port2.addEventListener('message', () => {
      timer.stop()
      resolve('message')
    })
    port2.start()
  })
  const late = new Promise((resolve) => {
    timer = startDeadline(() => resolve('late'), 1)
  })
  // The loop is busy until both timers are due.
  port1.postMessage('in time')
  const end = performance.now() + 20
  while (performance.now() < end) {
    // Busy.
  }
  expect(await Promise.race([heard, late])).toBe('message')
  port1.close()
})

describe('waiting', () => {
  it('sleeps, unless it is woken', async () => {
    const abort = new AbortController()
    const slept = sleep(40 * day)
    const woken = errorOf(sleep(40 * day, abort.signal))
    abort.abort(new Error('up'))
    expect(await woken).toBe('up')
    await vi.advanceTimersByTimeAsync(40 * day)
    await slept
    await expect(sleep(1, abort.signal)).rejects.toThrow('up')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('abandons a promise at the timeout or when the signal aborts, and at no other time', async () => {
    const { promise: never } = Promise.withResolvers<number>()
    const late = errorOf(withDeadline(never, 30 * day, () => new Error('late')))
    const abort = new AbortController()
    const aborted = errorOf(bounded(never, { ms: Infinity, signal: abort.signal }, (why) => new Error(why)))
    await vi.advanceTimersByTimeAsync(29 * day)
    expect(await withDeadline(Promise.resolve(1), 0, () => new Error('late'))).toBe(1)
    abort.abort()
    expect(await aborted).toBe('aborted')
    await expect(bounded(never, { signal: abort.signal }, (why) => new Error(why))).rejects.toThrow('aborted')
    await vi.advanceTimersByTimeAsync(day + 1)
    expect(await late).toBe('late')
    const waited = settledWithin(never, 5)
    await vi.advanceTimersByTimeAsync(6)
    await waited
    await expect(settledWithin(Promise.reject(new Error('no')), 5)).rejects.toThrow('no')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('follows the system clock', () => {
    const fired = vi.fn<() => void>()
    const start = systemClock.now()
    systemClock.setTimeout(fired, 30 * day)
    systemClock.clearTimeout(systemClock.setTimeout(fired, 30 * day))
    vi.advanceTimersByTime(30 * day)
    expect(fired).toHaveBeenCalledTimes(1)
    expect(systemClock.now() - start).toBe(30 * day)
    expect(vi.getTimerCount()).toBe(0)
  })
})

it('limits delays of Node’s timers to 31 bits', () => {
  expect([nodeTimeout(5), nodeTimeout(30 * day), nodeTimeout(Infinity)]).toEqual([5, 0x7fffffff, 0x7fffffff])
})
