import { describe, expect, it } from 'vitest'
import { startKernel } from './testing/start-kernel.ts'
import { processes } from './api/processes.ts'

/** Long enough for a busy machine. */
const patient = { timeout: 120_000 }

const host = 'app:host'

describe('the end of a process is reported, and affects no other process', () => {
  it.each([
    ['life.fail', ['too far'], { name: 'RangeError', kind: 'Unknown', message: 'too far' }],
    ['life.failWithField', [], { name: 'TypeError', kind: 'Conflict', details: { code: 'E_FIELD' } }],
    ['life.failWithText', [], { kind: 'Unknown', message: 'just a text', details: { thrown: 'just a text' } }],
    ['life.failNastily', [], { kind: 'Unknown', message: '(an error whose message cannot be read)' }],
    ['life.uncloneable', [], { kind: 'Invalid', details: { path: 'payload.a[0]' } }],
    ['life.rejectUnseen', [], { message: 'unhandled' }],
    ['life.failInTimer', [], { message: 'late trouble' }],
    ['life.exit', [3], { details: { code: 3 }, message: expect.stringContaining('process.exit') as unknown }],
    ['life.exit', [0], { details: { code: 0 } }],
  ] as const)('%s(%j)', async (program, args, error) => {
    await using kernel = await startKernel({ host: { spares: 1 }, programs: [program, 'talk.echo'] })
    const neighbour = await processes.spawn('app:talk.echo', host)
    await expect(kernel.exec(program, ...args)).rejects.toMatchObject(error)
    expect(await processes.call(neighbour, 'a', 5)).toBe(5)
    await expect.poll(() => kernel.host.size, patient).toBe(1)
  })

  it('when its heap is exhausted', async () => {
    await using kernel = await startKernel({
      programs: ['life.exhaust', 'life.answer'],
      host: { resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 } },
    })
    await expect(kernel.exec('life.exhaust')).rejects.toMatchObject({
      kind: 'Internal',
      message: expect.stringContaining('heap') as unknown,
    })
    expect(await kernel.exec('life.answer', 5)).toBe(5)
  })

  it('when it loops forever and is terminated', async () => {
    await using kernel = await startKernel({
      host: { spares: 1 },
      programs: ['life.loop', 'life.sendAndLoop', 'talk.collect'],
    })
    const looping = await processes.spawn('app:life.loop', host)
    const ended = processes.exited(looping)
    await processes.terminate(looping)
    expect(await ended).toMatchObject({ error: { kind: 'Canceled' } })
    const collector = await processes.spawn('app:talk.collect', host, 1)
    const collected = processes.exited(collector)
    const sending = await processes.spawn('app:life.sendAndLoop', host, collector)
    expect(await collected).toEqual({ value: [['before', 1]] })
    await processes.terminate(sending)
    await expect(processes.terminate(sending)).rejects.toMatchObject({ kind: 'NotFound' })
    await expect.poll(() => kernel.host.size, patient).toBe(0)
  })

  it('is reported for one that ended long ago', async () => {
    await using _ = await startKernel({ host: { spares: 1 }, programs: ['life.answer'] })
    const pid = await processes.spawn('app:life.answer', host, 5)
    await processes.exited(pid)
    expect(await processes.exited(pid)).toMatchObject({ error: { kind: 'NotFound' } })
    await expect(processes.exited('unknown')).rejects.toMatchObject({ kind: 'NotFound' })
  })
})

describe('cancellation', () => {
  it('ends the inbox, aborts the signal, and arrives as an event', async () => {
    await using kernel = await startKernel({ host: { spares: 1 }, programs: ['life.untilCancelled'] })
    // A starting thread counts as busy: the cancel then does not wait for earlier requests.
    await kernel.host.ready()
    const pid = await processes.spawn('app:life.untilCancelled', host)
    const ended = processes.exited(pid)
    await processes.cancel(pid, 'enough')
    expect(await ended).toEqual({ value: { event: { type: 'CANCEL', reason: 'enough' }, reason: 'enough' } })
  })

  it('can be handled by the process', async () => {
    await using _ = await startKernel({ host: { spares: 1 }, programs: ['life.stubborn'] })
    const pid = await processes.spawn('app:life.stubborn', host)
    const ended = processes.exited(pid)
    await processes.cancel(pid)
    await processes.terminate(pid)
    expect(await ended).toMatchObject({ error: { kind: 'Canceled', message: 'it was terminated' } })
    await expect(processes.cancel(pid)).rejects.toMatchObject({ kind: 'NotFound' })
  })

  it('lets earlier messages be received', async () => {
    await using _ = await startKernel({ host: { spares: 1 }, programs: ['talk.echo'] })
    const pid = await processes.spawn('app:talk.echo', host)
    const ended = processes.exited(pid)
    for (let n = 0; n < 5; n += 1) await processes.send(pid, 'a')
    await processes.cancel(pid)
    expect(await ended).toEqual({ value: 5 })
  })
})

describe('the names and groups of a process', () => {
  it.each(['thread', 'shared'] as const)(
    'are free when its end is reported, in a host of isolation %s',
    async (isolation) => {
      await using _kernel = await startKernel({ programs: ['life.fail'], host: { isolation, spares: 1 } })
      for (let round = 0; round < 20; round += 1) {
        const pid = await processes.withName('worker').spawn('app:life.fail', host, 'at once')
        await processes.exited(pid)
        expect(await processes.names.lookup('worker')).toBeUndefined()
      }
    },
  )
})

describe('output of a process', () => {
  it.each(['life.print', 'life.printAndFail'])('is printed, even if it ends at once: %s', async (program) => {
    const written: string[] = []
    const write = process.stdout.write.bind(process.stdout)
    process.stdout.write = (chunk: string | Uint8Array) => {
      written.push(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString())
      return true
    }
    try {
      await using kernel = await startKernel({ host: { spares: 1 }, programs: [program] })
      await kernel.exec(program, 200).catch(() => undefined)
    } finally {
      process.stdout.write = write
    }
    const lines = written
      .join('')
      .split('\n')
      .filter((line) => line.startsWith('line '))
    expect(lines).toHaveLength(200)
    expect(lines.at(-1)).toContain('line 199 ')
  })
})
