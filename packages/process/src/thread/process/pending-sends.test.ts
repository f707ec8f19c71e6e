import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { type PendingSend, PendingSends } from './pending-sends.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const envelope = (topic: string): PendingSend => ({ to: 'it', topic, withdrawn: false })

it('waits for pending sends, and no longer', async () => {
  const pendingSends = new PendingSends()
  const [good, bad] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  pendingSends.hold(good.promise, envelope('a'))
  pendingSends.hold(bad.promise, envelope('b'))
  pendingSends.hold(Promise.resolve())
  const drained = pendingSends.drain(100)
  good.resolve()
  bad.reject(new Error('no'))
  expect(await drained).toEqual([])
  expect([pendingSends.isEmpty, vi.getTimerCount()]).toEqual([true, 0])
})

it('withdraws sends that take too long', async () => {
  const pendingSends = new PendingSends()
  const slow = envelope('slow')
  pendingSends.hold(new Promise(() => undefined), slow)
  pendingSends.hold(new Promise(() => undefined))
  const drained = pendingSends.drain(100)
  vi.advanceTimersByTime(100)
  expect(await drained).toEqual([slow])
  expect(slow.withdrawn).toBe(true)
})

it('withdraws all at once without time', async () => {
  const pendingSends = new PendingSends()
  pendingSends.hold(new Promise(() => undefined), envelope('a'))
  expect(await pendingSends.drain(0)).toMatchObject([{ topic: 'a', withdrawn: true }])
  expect(vi.getTimerCount()).toBe(0)
})
