import { entryId } from '@troupe/core'
import { describe, expect, it, vi } from 'vitest'
import type { ToThread } from '../../protocol/kernel-thread.ts'
import { ConnectionDrains } from './connection-drains.ts'
import type { Thread } from '../../worker-threads/thread.ts'
import type { ThreadTable } from '../../worker-threads/thread-table.ts'

const overlay = entryId('app:proxy')

/** Threads 1 and 2, which hold connections of the generations given by a test. */
function lab() {
  const oldest = new Map<number, number | undefined>([
    [1, undefined],
    [2, undefined],
  ])
  const sent: ToThread[] = []
  let silent = false
  const threads = {
    numbers: () => oldest.keys(),
    broadcast: (message: ToThread) => {
      sent.push(message)
      if (message.type !== 'streams' || silent) return
      for (const [number, generation] of oldest)
        queueMicrotask(() => drains.onReport({ number } as Thread, overlay, generation))
    },
  }
  const drains = new ConnectionDrains(threads as unknown as ThreadTable)
  return {
    drains,
    oldest,
    asks: () => sent.filter(({ type }) => type === 'streams').length,
    cuts: () => sent.filter(({ type }) => type === 'cut'),
    silence: () => (silent = true),
  }
}

describe('a drain', () => {
  it('ends at once if no thread holds a connection of it, or of an earlier one', async () => {
    const { drains, oldest } = lab()
    oldest.set(1, 3)
    const done = Promise.withResolvers<void>()
    drains.add(overlay, 2, 1000, done.resolve)
    expect(await done.promise).toBeUndefined()
    drains[Symbol.dispose]()
  })

  it('ends when the last thread has released it, and aborts nothing', async () => {
    const { drains, oldest, cuts, asks } = lab()
    oldest.set(1, 2).set(2, 5)
    const done = vi.fn()
    drains.add(overlay, 2, 60_000, done)
    await vi.waitFor(() => expect(asks()).toBeGreaterThan(1))
    expect(done).not.toHaveBeenCalled()
    oldest.set(1, 5)
    await vi.waitFor(() => expect(done).toHaveBeenCalledOnce())
    expect(cuts()).toEqual([])
    drains[Symbol.dispose]()
  })

  it('aborts the rest at its timeout, even if a thread is too busy to respond', async () => {
    const { drains, oldest, cuts, silence } = lab()
    oldest.set(1, 1)
    silence()
    const done = vi.fn()
    drains.add(overlay, 2, 10, done)
    await vi.waitFor(() => expect(done).toHaveBeenCalledOnce())
    expect(cuts()).toEqual([{ type: 'cut', overlay, generation: 2 }])
    drains[Symbol.dispose]()
  })

  it('does not wait for a thread that is gone', async () => {
    const { drains, silence } = lab()
    silence()
    const done = vi.fn()
    drains.add(overlay, 2, 60_000, done)
    drains.threadGone(1)
    expect(done).not.toHaveBeenCalled()
    drains.threadGone(2)
    expect(done).toHaveBeenCalledOnce()
    drains[Symbol.dispose]()
  })
})
