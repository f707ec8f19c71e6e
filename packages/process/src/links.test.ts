import { describe, expect, it } from 'vitest'
import { startKernel } from './testing/start-kernel.ts'
import { processes } from './api/processes.ts'
import { collectorOf } from './testing/collector.ts'

/** Long enough for a busy machine. */
const patient = { timeout: 120_000 }

const host = 'app:host'

describe('monitors', () => {
  it.each([
    ['life.answer', [5], { value: 5 }],
    ['life.fail', ['no'], { error: 'no' }],
    ['life.exit', [2], { error: 'it called process.exit(2)' }],
  ] as const)('report a child once: %s', async (program, args, result) => {
    await using kernel = await startKernel({ programs: ['links.watch', program] })
    const { child, events } = (await kernel.exec('links.watch', `app:${program}`, ...args)) as {
      child: string
      events: unknown
    }
    expect(events).toEqual([{ type: 'EXIT', from: child, result }])
  })

  it('report once for each request, also for a terminated process', async () => {
    await using _ = await startKernel({ programs: ['links.monitor', 'life.loop', 'life.wait', 'talk.collect'] })
    for (const program of ['app:life.loop', 'app:life.wait']) {
      const collector = await collectorOf(1)
      const target = await processes.spawn(program, host)
      const watching = processes.exec('app:links.monitor', host, target, 3, collector.pid)
      await collector.all
      // The looping thread cannot receive the monitor signal; the kernel reports its end to the watcher.
      await processes.terminate(target)
      const event = { type: 'EXIT', from: target, result: { error: 'it was terminated' } }
      expect(await watching).toEqual([event, event, event])
    }
  })

  it('report a process that does not exist at once', async () => {
    await using kernel = await startKernel({ programs: ['links.monitor', 'life.answer'] })
    const gone = await processes.spawn('app:life.answer', host, 5)
    await processes.exited(gone)
    for (const target of [gone, '<4711.1>']) {
      expect(await kernel.exec('links.monitor', target, 1)).toEqual([
        { type: 'EXIT', from: target, result: { error: expect.stringContaining('does not exist') as unknown } },
      ])
    }
  })

  it('that were removed report nothing', async () => {
    await using kernel = await startKernel({
      programs: ['links.unmonitor', 'links.unmonitorWhileSpawning', 'life.wait', 'life.answer'],
    })
    const target = await processes.spawn('app:life.wait', host)
    expect(await kernel.exec('links.unmonitor', target)).toEqual([
      { type: 'EXIT', from: expect.not.stringMatching(target) as unknown, result: { value: 5 } },
    ])
    const other = await processes.spawn('app:life.wait', host)
    const events = (await kernel.exec('links.unmonitorWhileSpawning', other, 4)) as { from: string; result: unknown }[]
    expect(events.map(({ result }) => result)).toEqual([{ value: 5 }, { value: 5 }, { value: 5 }, { value: 5 }])
    expect(events.map(({ from }) => from)).not.toContain(other)
  })

  it('are for processes', async () => {
    await using _ = await startKernel({ programs: ['life.wait'] })
    const target = await processes.spawn('app:life.wait', host)
    expect(() => processes.spawnMonitored('app:life.wait', host)).toThrow(expect.objectContaining({ kind: 'Invalid' }))
    await expect(processes.monitor(target)).rejects.toMatchObject({ kind: 'Invalid' })
    await expect(processes.link(target)).rejects.toMatchObject({ kind: 'Invalid' })
  })
})

describe('links', () => {
  it('end the other process when one fails', async () => {
    await using _ = await startKernel({ programs: ['links.link', 'life.wait', 'talk.collect'] })
    const collector = await collectorOf(1)
    const target = await processes.spawn('app:life.wait', host)
    const linked = await processes.spawn('app:links.link', host, target, collector.pid)
    const ended = processes.exited(linked)
    await collector.all
    await processes.terminate(target)
    expect(await ended).toMatchObject({ error: { kind: 'Canceled', message: 'it was terminated' } })
  })

  it('work in both directions', async () => {
    await using _ = await startKernel({ programs: ['links.link', 'life.wait', 'talk.collect'] })
    const collector = await collectorOf(1)
    const target = await processes.spawn('app:life.wait', host)
    const ended = processes.exited(target)
    const linked = await processes.spawn('app:links.link', host, target, collector.pid)
    await collector.all
    await processes.terminate(linked)
    expect(await ended).toMatchObject({ error: { message: 'it was terminated' } })
  })

  it('are an event if trapped, for a normal and a failed end', async () => {
    await using kernel = await startKernel({ programs: ['links.linkedChild', 'life.fail', 'life.answer'] })
    for (const [program, error] of [
      ['app:life.fail', 'no'],
      ['app:life.answer', undefined],
    ]) {
      const { child, events } = (await kernel.exec('links.linkedChild', program, true, 'no')) as {
        child: string
        events: unknown
      }
      expect(events).toEqual([{ type: 'LINK_DOWN', from: child, error }])
    }
    await expect(kernel.exec('links.linkedChild', 'app:life.fail', false, 'no')).rejects.toMatchObject({
      name: 'RangeError',
      message: 'no',
    })
  })

  it('to a process that does not exist end the caller', async () => {
    await using kernel = await startKernel({ programs: ['links.link'] })
    await expect(kernel.exec('links.link', '<4711.1>')).rejects.toMatchObject({ kind: 'NotFound' })
    expect(await kernel.exec('links.link', '<4711.1>', undefined, true)).toMatchObject([
      { type: 'LINK_DOWN', from: '<4711.1>' },
    ])
  })

  it('that were removed end no process', async () => {
    await using kernel = await startKernel({ programs: ['links.unlink', 'life.wait'] })
    const target = await processes.spawn('app:life.wait', host)
    expect(await kernel.exec('links.unlink', target)).toBe(true)
  })

  it('and monitors both report a child', async () => {
    await using kernel = await startKernel({ programs: ['links.both', 'life.fail'] })
    const { child, events } = (await kernel.exec('links.both', 'app:life.fail', 'no')) as {
      child: string
      events: unknown
    }
    expect(events).toEqual([
      { type: 'EXIT', from: child, result: { error: 'no' } },
      { type: 'LINK_DOWN', from: child, error: 'no' },
    ])
  })

  it('keep a child when its parent returns, and end it when the parent fails or is ended', async () => {
    await using _ = await startKernel({ programs: ['links.parent', 'life.wait', 'talk.collect'] })
    for (const how of ['return', 'throw', 'terminate']) {
      const collector = await collectorOf(1)
      const parent = await processes.spawn('app:links.parent', host, collector.pid)
      const ended = processes.exited(parent)
      const [[, child] = []] = await collector.all
      const childEnded = processes.exited(String(child))
      // What is sent after the monitor arrives over the same channel.
      await processes.call(String(child), 'there?')
      if (how === 'terminate') await processes.terminate(parent)
      else await processes.send(parent, 'end', how)
      await ended
      if (how === 'return') await processes.send(String(child), 'end', 5)
      expect(await childEnded).toMatchObject(
        how === 'return'
          ? { value: 5 }
          : { error: { message: how === 'terminate' ? 'it was terminated' : 'the parent failed' } },
      )
    }
  })

  it('keep a child whose parent returned before it was spawned', async () => {
    await using kernel = await startKernel({ programs: ['links.hastyParent', 'life.wait'] })
    for (let n = 0; n < 5; n += 1) await kernel.exec('links.hastyParent')
    await expect.poll(() => kernel.kernel.processes.size, patient).toBe(6)
    const children = [...kernel.kernel.processes.all()].filter(({ host }) => host !== undefined).map(({ pid }) => pid)
    const ended = Promise.all(children.map(async (child) => processes.exited(child)))
    for (const child of children) await processes.send(child, 'end', 5)
    expect(await ended).toEqual(children.map(() => ({ value: 5 })))
  })
})
