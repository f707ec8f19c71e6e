/** The threads of a shared host, by network. */
import { entryId, type Pid, threadOf } from '@troupe/core'
import { describe, expect, it } from 'vitest'
import { processes } from '../index.ts'
import { hostId, type KernelFixture, type KernelFixtureOptions, startKernel } from '../testing/start-kernel.ts'

const [one, two, three] = [entryId('net:one'), entryId('net:two'), entryId('net:three')]

const start = async (
  host: KernelFixtureOptions['host'],
  more: Partial<KernelFixtureOptions> = {},
): Promise<KernelFixture> =>
  startKernel({
    programs: ['crowd.member'],
    host: { isolation: 'shared', ...host },
    overlays: [one, two, three],
    ...more,
  })

async function member(network: string | null): Promise<Pid> {
  const pid = await processes.withOptions({ network }).spawn('app:crowd.member', hostId)
  await processes.call(pid, 'ask')
  return pid
}

const threadsOf = (pids: readonly Pid[]) => new Set(pids.map(threadOf))

async function stop(pid: Pid): Promise<void> {
  const ended = processes.exited(pid)
  await processes.send(pid, 'stop')
  await ended
}

describe('a shared host', () => {
  it('has a limited number of threads for each network, and never mixes two networks in one', async () => {
    await using _ = await start({ workers: 2 })
    const threads = new Map<string | null, ReadonlySet<number>>()
    for (const network of [null, one, two]) {
      threads.set(network, threadsOf(await Promise.all(Array.from({ length: 4 }, async () => member(network)))))
    }
    for (const own of threads.values()) expect(own.size).toBe(2)
    expect(new Set([...threads.values()].flatMap((own) => [...own])).size).toBe(6)
  })

  it('refuses a network without a thread: all of them run processes of others', async () => {
    await using _ = await start({ workers: 1, maxWorkers: 2 })
    const [clear] = [await member(null), await member(one)]
    await expect(member(two)).rejects.toMatchObject({ kind: 'Unavailable', details: { maxWorkers: 2, overlay: two } })
    // The threads of the networks that have one.
    expect(threadsOf([await member(null), clear]).size).toBe(1)
  })

  it('gives an idle thread to another network', async () => {
    await using _ = await start({ workers: 1, maxWorkers: 2 })
    const [, first] = [await member(null), await member(one)]
    await stop(first)
    const second = await member(two)
    expect(threadOf(second)).not.toBe(threadOf(first))
    await expect(member(three)).rejects.toMatchObject({ kind: 'Unavailable' })
    await stop(second)
    expect(threadOf(await member(one))).not.toBe(threadOf(first))
  })

  it.each(['actor', 'process'] as const)('refuses a network that isolates each %s', async (isolate) => {
    await using _ = await start({ workers: 1 }, { isolate: { [one]: isolate } })
    await expect(member(one)).rejects.toMatchObject({
      kind: 'Invalid',
      message: expect.stringContaining('isolation "thread"') as unknown,
    })
    await member(two)
  })

  it('gives threads of a deleted overlay no more work, and ends them when idle', async () => {
    await using fixture = await start({ workers: 1 })
    const { kernel } = fixture
    const [idle, busy] = [await member(one), await member(two)]
    await stop(idle)
    for (const id of [one, two]) {
      await kernel.overlays.remove(id)
      kernel.networks.removed(id)
    }
    kernel.retireNetworks()
    await expect.poll(() => kernel.threads.get(threadOf(idle))).toBeUndefined()
    expect(await processes.call(busy, 'ask')).toBe(busy)
    await kernel.overlays.add(two)
    const again = await member(two)
    expect(threadOf(again)).not.toBe(threadOf(busy))
  })
})
