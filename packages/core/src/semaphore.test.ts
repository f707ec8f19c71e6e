import { expect, it } from 'vitest'
import { unavailable } from './errors.ts'
import { Semaphore } from './semaphore.ts'

it('runs so many at a time, the others in order, and refuses what it cannot hold', async () => {
  const turns = new Semaphore(1, 1, () => unavailable('too many'))
  const order: string[] = []
  const { promise: open, resolve } = Promise.withResolvers<void>()
  const first = turns.acquire(async () => {
    await open
    order.push('first')
  })
  const second = turns.acquire(async () => {
    order.push('second')
  })
  await expect(turns.acquire(async () => undefined)).rejects.toMatchObject({ kind: 'Unavailable' })
  resolve()
  await Promise.all([first, second])
  expect(order).toEqual(['first', 'second'])
  await expect(new Semaphore(0, 0).acquire(async () => undefined)).rejects.toMatchObject({ kind: 'RateLimited' })
})
