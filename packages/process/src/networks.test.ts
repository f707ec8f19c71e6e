/** What crosses from one network to another, and what does not. */
import { entryId, type Pid, threadOf } from '@troupe/core'
import { describe, expect, it } from 'vitest'
import { processes } from './index.ts'
import { type KernelFixtureOptions, startKernel } from './testing/start-kernel.ts'

const host = 'app:host'
const [one, two] = [entryId('net:one'), entryId('net:two')]
const tree = ['member', 'broadcast', 'sendUnheard', 'watchAndCancel', 'become', 'network', 'callOnce', 'sendOnce'].map(
  (name) => `tree.${name}`,
)

const start = async (more: Partial<KernelFixtureOptions> = {}) =>
  startKernel({ programs: tree, overlays: [one, two], host: { spares: 1 }, ...more })
const within = (network: string | null) => processes.withOptions({ network })

/** A process in a network that is a member of groups. */
async function member(network: string | null, ...groups: string[]): Promise<Pid> {
  const pid = await within(network).spawn('app:tree.member', host, ...groups)
  await processes.call(pid, 'there')
  return pid
}

describe('a broadcast', () => {
  it('counts members that accepted it, and those that refused it', async () => {
    await using _ = await start()
    const members = [await member(one, 'g'), await member(one, 'g'), await member(two, 'g'), await member(null, 'g')]
    expect(await within(one).exec('app:tree.broadcast', host, 'g')).toEqual({ delivered: 2, refused: 2 })
    expect(await within(null).exec('app:tree.broadcast', host, 'g')).toEqual({ delivered: 4, refused: 0 })
    const heard = await Promise.all(
      members.map(async (pid) => {
        const ended = processes.exited(pid)
        await processes.send(pid, 'end')
        return ended
      }),
    )
    const both = { value: ['there', 'news', 'news'] }
    const last = { value: ['there', 'news'] }
    expect(heard).toEqual([both, both, last, last])
  })

  it('reaches members that accept the sender’s overlay', async () => {
    await using _ = await start({ accepts: { 'tree.member': [one] } })
    await member(null, 'g')
    expect(await within(one).exec('app:tree.broadcast', host, 'g')).toEqual({ delivered: 1, refused: 0 })
    expect(await within(two).exec('app:tree.broadcast', host, 'g')).toEqual({ delivered: 0, refused: 1 })
  })
})

describe('a message that was accepted before it was refused', () => {
  it('is a dead letter with the reason', async () => {
    await using kernel = await start()
    const target = await member(two)
    expect(await within(one).exec('app:tree.sendUnheard', host, target)).toEqual(['PermissionDenied', true])
    const [envelope] = await kernel.deadLetters(1)
    expect(envelope).toMatchObject({
      to: target,
      topic: 'second',
      reason: expect.stringMatching(/runs in overlay net:two .*accepts/) as unknown,
    })
    const sent = within(one).exec('app:tree.sendOnce', host, target, 1)
    await expect(sent).rejects.toMatchObject({
      kind: 'PermissionDenied',
      details: { code: 'ENETWORK', from: one, receiver: two },
    })
    expect(kernel.dead).toHaveLength(1)
  })
})

describe('across networks', () => {
  it('ends, links and cancellations are reported, and replies arrive', async () => {
    await using _ = await start()
    for (const [watcher, watched] of [
      [one, two],
      [one, null],
      [null, one],
    ] as const) {
      const pid = await member(watched)
      const ended = processes.exited(pid)
      expect(await within(watcher).exec('app:tree.watchAndCancel', host, pid)).toEqual(['EXIT', 'LINK_DOWN'])
      expect(await ended).toMatchObject({ value: expect.arrayContaining(['there', 'CANCEL']) as unknown })
    }
    expect(await within(null).exec('app:tree.callOnce', host, await member(one))).toBe(one)
  })
})

describe('an upgrade', () => {
  it('into another network is refused, and the process continues', async () => {
    await using _ = await start({ pins: { 'tree.network': two } })
    expect(await within(one).exec('app:tree.become', host, 'app:tree.network')).toBe('Invalid')
    expect(await within(null).exec('app:tree.become', host, 'app:tree.network')).toBe('Invalid')
    expect(await within(two).exec('app:tree.become', host, 'app:tree.network')).toBe(two)
  })

  it('into an entry without a pin keeps the network', async () => {
    await using _ = await start()
    expect(await within(one).exec('app:tree.become', host, 'app:tree.network')).toBe(one)
  })
})

describe('warm threads', () => {
  it('load modules of the application in the default network only, and run in no other', async () => {
    const preload = [entryId('app:tree.network')]
    await using kernel = await start({ defaultOverlay: one, host: { spares: 2, preload } })
    await kernel.host.ready()
    const warm = [1, 2].map((number) => kernel.kernel.threads.get(number))
    expect(warm.map((thread) => thread?.network?.overlay)).toEqual([one, one])
    const inTwo = await within(two).spawn('app:tree.member', host)
    const inOne = await processes.spawn('app:tree.member', host)
    expect(warm.map((thread) => thread?.number)).toContain(threadOf(inOne))
    expect(warm.map((thread) => thread?.number)).not.toContain(threadOf(inTwo))
    expect(await within(two).exec('app:tree.network', host)).toBe(two)
    expect(await kernel.exec('tree.network')).toBe(one)
  })

  it('have no network before their first work if no application code is loaded', async () => {
    await using kernel = await start({ defaultOverlay: one, host: { spares: 1 } })
    await kernel.host.ready()
    const spare = kernel.kernel.threads.get(1)
    expect(spare?.network).toBeUndefined()
    const pid = await within(two).spawn('app:tree.member', host)
    expect(spare?.network?.overlay).toBe(two)
    expect(threadOf(pid)).toBe(1)
  })
})

describe('an overlay that is deleted and created again under its id', () => {
  it('is another network: code in the old one is refused as foreign', async () => {
    await using fixture = await start({ defaultOverlay: one })
    const { kernel } = fixture
    const before = kernel.networks.ofProcess({ ...kernel.frames.empty, overlay: two })
    await kernel.overlays.remove(two)
    kernel.networks.removed(two)
    await expect(within(two).spawn('app:tree.member', host)).rejects.toMatchObject({ kind: 'NotFound' })
    await kernel.overlays.add(two)
    const after = kernel.networks.ofProcess({ ...kernel.frames.empty, overlay: two })
    expect(after.key).not.toBe(before.key)
    const thread = threadOf(await within(two).spawn('app:tree.member', host))
    expect([before.epoch, after.epoch, kernel.threads.get(thread)?.network?.epoch]).toEqual([undefined, 1, 1])
    expect([kernel.networks.isCurrent(before), kernel.networks.isCurrent(after)]).toEqual([false, true])
    expect(() => {
      kernel.networks.check(before)
    }).toThrow(/deleted/)
  })
})
