import { describe, expect, it } from 'vitest'
import { begun, ended } from './testing/programs/native.ts'
import { startKernel } from './testing/start-kernel.ts'
import { processes } from './api/processes.ts'

const host = 'app:host'

/** Starts a program that has loaded an addon, and whose native work has begun. */
async function begin(program: string, ...args: unknown[]) {
  const slots = new Int32Array(new SharedArrayBuffer(8))
  const pid = await processes.spawn(`app:${program}`, host, slots, ...args)
  await Atomics.waitAsync(slots, begun, 0).value
  return { pid, hasEnded: () => Atomics.load(slots, ended) === 1 }
}

describe('native code that works when its process is to end', () => {
  it('finishes before the thread of a process that returns', async () => {
    await using kernel = await startKernel({ programs: ['native.work'] })
    const work = await begin('native.work', true)
    await processes.exited(work.pid)
    await expect.poll(() => kernel.host.size, { timeout: 120_000 }).toBe(0)
    expect(work.hasEnded()).toBe(true)
  })

  it('finishes before the thread of a process that is terminated', async () => {
    await using _ = await startKernel({ programs: ['native.work'] })
    const work = await begin('native.work', false)
    await processes.terminate(work.pid)
    expect(work.hasEnded()).toBe(true)
  })

  it.each(['thread', 'shared'] as const)('finishes before a host of isolation "%s" stops', async (isolation) => {
    const kernel = await startKernel({ programs: ['native.work'], host: { isolation } })
    const work = await begin('native.work', false)
    await kernel[Symbol.asyncDispose]()
    expect(work.hasEnded()).toBe(true)
  })

  it('does not save a process that does not return to the event loop', async () => {
    await using _ = await startKernel({ programs: ['native.loop'] })
    const { pid } = await begin('native.loop')
    const exit = processes.exited(pid)
    await processes.terminate(pid)
    expect(await exit).toMatchObject({ error: { kind: 'Canceled' } })
  })
})
