import { entryId, type Pid, serialOf, threadOf } from '@troupe/core'
import { afterEach, describe, expect, it } from 'vitest'
import { processes } from '../index.ts'
import { hostId, type KernelFixture, type KernelFixtureOptions, startKernel } from '../testing/start-kernel.ts'

let fixture: KernelFixture | undefined

afterEach(async () => {
  await fixture?.[Symbol.asyncDispose]()
  fixture = undefined
})

async function start(
  programs: readonly string[],
  host: KernelFixtureOptions['host'] = {},
  more: Partial<KernelFixtureOptions> = {},
) {
  fixture = await startKernel({
    programs: ['crowd.member', ...programs],
    host: { isolation: 'shared', workers: 1, ...host },
    ...more,
  })
  return fixture
}

async function member(): Promise<Pid> {
  const pid = await processes.spawn('app:crowd.member', hostId)
  await processes.call(pid, 'ask')
  return pid
}

/** The threads of three more processes, which need not run: with two threads alike, each gets one of them. */
async function threeMore(): Promise<number[]> {
  const pids = [1, 2, 3].map(async () => processes.spawn('app:crowd.member', hostId))
  return (await Promise.all(pids)).map(threadOf)
}

/** Children that their parent's thread started by itself, and that the kernel does not know yet. */
async function ownChildren({ kernel }: KernelFixture, count = 4): Promise<Pid[]> {
  const parent = await processes.spawn('app:crowd.parent', hostId, count)
  const children = (await processes.call(parent, 'children')) as Pid[]
  return children.filter((pid) => serialOf(pid) % 2 === 1 && kernel.processes.get(pid) === undefined)
}

describe('a shared host', () => {
  it('runs many processes in each of its threads', async () => {
    const { host } = await start([], { workers: 2 })
    const pids = await Promise.all(Array.from({ length: 20 }, member))
    expect(new Set(pids).size).toBe(20)
    expect(new Set(pids.map(threadOf)).size).toBe(2)
    expect(host.size).toBe(20)
    const exits = pids.map(async (pid) => processes.exited(pid))
    await Promise.all(pids.map(async (pid) => processes.send(pid, 'stop')))
    expect(await Promise.all(exits)).toEqual(pids.map(() => ({ value: 'stopped' })))
    expect(host.size).toBe(0)
  })

  it('lets a thread start children by itself, which can be reached, monitored, named and ended', async () => {
    const own = await ownChildren(await start(['crowd.parent'], {}), 6)
    const [asked, named, ended, failed] = own
    if (asked === undefined || named === undefined || ended === undefined || failed === undefined)
      throw new Error('too few children')
    expect(await processes.call(asked, 'ask')).toBe(asked)
    await processes.call(named, 'name', 'child')
    expect(await processes.names.lookup('child')).toBe(named)
    await processes.names.register('other', asked)
    expect(await processes.call('other', 'ask')).toBe(asked)
    const end = processes.exited(ended)
    await processes.terminate(ended)
    expect(await end).toMatchObject({ error: { kind: 'Canceled' } })
    const failure = processes.exited(failed)
    await processes.send(failed, 'fail')
    expect(await failure).toMatchObject({ error: { name: 'TypeError', message: 'requested failure' } })
    await expect(processes.terminate(failed)).rejects.toMatchObject({ kind: 'NotFound' })
    expect(await processes.call(asked, 'ask')).toBe(asked)
  })

  it('ends no process before earlier messages of its sender', async () => {
    await start([])
    // Loading its code may block the thread for longer than a process that is killed is given.
    await member()
    for (let round = 0; round < 200; round += 1) {
      const pid = await processes.spawn('app:crowd.member', hostId)
      const end = processes.exited(pid)
      const answer = processes.call(pid, 'ask').catch(() => 'ended')
      await processes.terminate(pid)
      // A machine that stands still for a second has the whole thread ended.
      expect(await end).toMatchObject({ error: { kind: expect.stringMatching(/^(Canceled|Internal)$/) as unknown } })
      expect([pid, 'ended']).toContain(await answer)
    }
  })

  it('counts the children that threads start by themselves', async () => {
    const { exec, host } = await start(['crowd.overfill'], { maxProcesses: 8 })
    expect(await exec('crowd.overfill', 7)).toBe('Unavailable')
    expect(host.size).toBe(7)
  })

  it('ends only the process that throws in a timer', async () => {
    await start([])
    const [victim, neighbour] = [await member(), await member()]
    const exit = processes.exited(victim)
    await processes.send(victim, 'timer')
    expect(await exit).toMatchObject({ error: { name: 'RangeError' } })
    expect(await processes.call(neighbour, 'ask')).toBe(neighbour)
  })

  it('loses all processes of a thread that ends, reports each, and starts another', async () => {
    const { host } = await start([])
    const [victim, neighbour] = [await member(), await member()]
    const exits = Promise.all([processes.exited(victim), processes.exited(neighbour)])
    await processes.send(victim, 'exit')
    const why = { error: { message: 'it called process.exit(7)' } }
    expect(await exits).toMatchObject([why, why])
    expect(host.size).toBe(0)
    const next = await member()
    expect(threadOf(next)).not.toBe(threadOf(victim))
  })

  it('ends the thread of a process that never returns, and names it to the others', async () => {
    await start([])
    const [victim, neighbour] = [await member(), await member()]
    const exit = processes.exited(neighbour)
    const begun = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
    await processes.call(victim, 'spin', begun)
    // Before that, its process ends in order, and only the loop is left.
    await expect.poll(() => Atomics.load(begun, 0)).toBe(1)
    await processes.terminate(victim)
    expect(await exit).toMatchObject({
      error: { kind: 'Internal', message: expect.stringContaining(victim) as unknown },
    })
  })

  it('sees a busy thread, reports it, and places processes elsewhere', async () => {
    const { log } = await start([], { workers: 2 })
    const victim = await member()
    await processes.call(victim, 'spin')
    await expect.poll(() => log.join('\n'), { timeout: 120_000 }).toContain(`thread ${threadOf(victim)} is busy`)
    // While its code loaded, the thread may have been reported as busy too: the next check is what counts.
    await expect.poll(threeMore).not.toContain(threadOf(victim))
  })

  it('prefers a busy thread that returns to its event loop to one that does not', async () => {
    const { log } = await start([], { workers: 2 })
    const [stuck, busy] = [await member(), await member()]
    await processes.call(stuck, 'spin')
    await expect.poll(() => log.join('\n'), { timeout: 120_000 }).toContain(`thread ${threadOf(stuck)} is busy`)
    await processes.call(busy, 'toil')
    await expect.poll(() => log.join('\n'), { timeout: 120_000 }).toContain(`thread ${threadOf(busy)} is busy`)
    await expect.poll(threeMore).toEqual([threadOf(busy), threadOf(busy), threadOf(busy)])
  })

  it('runs timers while two processes exchange messages without a pause', async () => {
    const { exec } = await start(['crowd.chatter', 'crowd.echo'])
    expect(await exec('crowd.chatter')).toBeGreaterThan(0)
  })

  it('passes the overlay on to children that the kernel did not start', async () => {
    const overlay = entryId('app:proxy')
    const { kernel } = await start(['crowd.inherits'], {}, { overlays: [overlay] })
    const parent = await processes.withOptions({ network: overlay }).spawn('app:crowd.inherits', hostId)
    await expect.poll(async () => processes.names.lookup('heir')).toBeDefined()
    const heir = await processes.names.lookup('heir')
    expect(heir === undefined ? undefined : kernel.processes.get(heir)?.frame.overlay).toBe(overlay)
    await processes.send(parent, 'done')
  })
})

describe('an upgrade', () => {
  it('keeps pid, mailbox and monitors, and passes the state on', async () => {
    await start(['crowd.first', 'crowd.second'])
    const pid = await processes.spawn('app:crowd.first', hostId, 'app:crowd.second')
    const exit = processes.exited(pid)
    expect(await processes.call(pid, 'hello')).toEqual(['first', 1])
    await processes.send(pid, 'upgrade')
    expect(await processes.call(pid, 'hello')).toEqual(['second', 1, pid])
    await processes.send(pid, 'stop')
    expect(await exit).toEqual({ value: ['second', 1] })
  })

  it('that is impossible leaves the process as it was', async () => {
    await start(['crowd.first'])
    const pid = await processes.spawn('app:crowd.first', hostId, 'app:crowd.nowhere')
    expect(await processes.call(pid, 'upgrade')).toBe('NotFound')
    expect(await processes.call(pid, 'hello')).toEqual(['first', 1])
  })
})
