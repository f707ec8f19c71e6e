import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { type Held, Outbox } from './pending-sends.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const letter = (topic: string): Held => ({ to: 'it', topic, withdrawn: false })

it('waits for what it holds, and no longer', async () => {
  const outbox = new Outbox()
  const [good, bad] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  outbox.hold(good.promise, letter('a'))
  outbox.hold(bad.promise, letter('b'))
  outbox.hold(Promise.resolve())
  const drained = outbox.drain(100)
  good.resolve()
  bad.reject(new Error('no'))
  expect(await drained).toEqual([])
  expect([outbox.isEmpty, vi.getTimerCount()]).toEqual([true, 0])
})

it('withdraws what takes too long', async () => {
  const outbox = new Outbox()
  const slow = letter('slow')
  outbox.hold(new Promise(() => undefined), slow)
  outbox.hold(new Promise(() => undefined))
  const drained = outbox.drain(100)
  vi.advanceTimersByTime(100)
  expect(await drained).toEqual([slow])
  expect(slow.withdrawn).toBe(true)
})

it('withdraws all at once when there is no time', async () => {
  const outbox = new Outbox()
  outbox.hold(new Promise(() => undefined), letter('a'))
  expect(await outbox.drain(0)).toMatchObject([{ topic: 'a', withdrawn: true }])
  expect(vi.getTimerCount()).toBe(0)
})
