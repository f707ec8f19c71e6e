import { mkdtempDisposableSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it, vi } from 'vitest'
import { processes, registry } from '../index.ts'
import { gotNothing, host, lines, program, reply, schedule, service, start } from './fixtures/scheduled.ts'

/** Sends are seen by `ear`, which the clerk calls; the dates at which each was, without the date of the start. */
async function runs(fields: object, date: string, step: string, steps: number): Promise<readonly string[]> {
  await using app = await start(fields, { date })
  await using ear = await app.probe({ name: 'ear' })
  const seen: string[] = []
  for (let done = 0; done < steps; done += 1) {
    const before = app.log.length
    await app.clock.advance(step)
    const due = app.log.slice(before).some((line) => line.includes('app:nightly sends'))
    if (!due) continue
    await reply(await ear.next())
    seen.push(new Date(app.clock.date()).toISOString())
  }
  return seen
}

describe('process.schedule', () => {
  it('sends its payload at each interval, in the frame of its definition', async () => {
    await using app = await start({ every: '15m', payload: { all: true } })
    await using ear = await app.probe({ name: 'ear' })
    await app.clock.advance('14m')
    await gotNothing(ear)
    for (const minutes of ['1m', '15m', '15m']) {
      await app.clock.advance(minutes)
      const message = await ear.next({ topic: 'run' })
      expect(message.payload).toEqual({ payload: { all: true }, actor: undefined })
      await reply(message)
    }
  })

  it.each([
    ['a time of day', { cron: '0 3 * * *' }, '2026-01-01T00:00:00Z', ['2026-01-01T03:00', '2026-01-02T03:00']],
    ['seconds', { cron: '0 30 3 * * *' }, '2026-01-01T00:00:00Z', ['2026-01-01T03:30', '2026-01-02T03:30']],
    [
      'the hour that is left out',
      { cron: '30 2 * * *' },
      '2026-03-28T12:00:00Z',
      ['2026-03-29T01:00', '2026-03-30T00:30'],
    ],
    [
      'the hour that comes twice',
      { cron: '30 2 * * *' },
      '2026-10-24T12:00:00Z',
      ['2026-10-25T00:30', '2026-10-26T01:30'],
    ],
  ])('follows %s in its time zone', async (name, fields, date, expected) => {
    const zone = name.startsWith('the hour') ? 'Europe/Berlin' : 'UTC'
    const seen = await runs({ ...fields, time_zone: zone }, date, '30m', 80)
    expect(seen.slice(0, 2).map((each) => each.slice(0, 16))).toEqual(expected)
  })

  it('skips while the message before is handled, and queues if it is to', async () => {
    await using app = await start({ every: '1m' })
    await using ear = await app.probe({ name: 'ear' })
    await app.clock.advance('1m')
    const first = await ear.next()
    await app.clock.advance('2m')
    expect(app.log.filter((line) => line.includes('is not handled yet'))).toHaveLength(2)
    await reply(first)
    await app.clock.advance('1m')
    await reply(await ear.next())
    await gotNothing(ear)
  })

  it('queues messages while the one before is handled', async () => {
    await using app = await start({ every: '1m', overlap: 'queue' })
    await using ear = await app.probe({ name: 'ear' })
    await app.clock.advance('3m')
    for (let each = 0; each < 3; each += 1) await reply(await ear.next())
    expect(app.log.filter((line) => line.includes('is not handled yet'))).toEqual([])
  })

  it('knows that a message is handled when its receiver had no room to keep it', async () => {
    const small = { ...host, host: { queue_size: 1, spares: 0 } }
    const fields = schedule({ every: '1m', overlap: 'queue' })
    const entries = [small, { ...program, method: 'deaf' }, service, fields]
    const { promise, resolve } = Promise.withResolvers<string>()
    const onLine = (line: string) => {
      if (/is handled|was not sent/.test(line)) resolve(line)
    }
    lines.on('line', onLine)
    await using app = await start({}, { entries })
    await app.clock.advance('2m')
    expect(await promise).toContain('app:nightly: "run" is handled')
    lines.off('line', onLine)
    await app.app.stopService(app.service('app:nightly').id)
  })

  it('stops with its service, and changes while it runs', async () => {
    await using app = await start({ every: '1m' })
    await using ear = await app.probe({ name: 'ear' })
    await ear.run(async () => {
      const { id, kind, ...fields } = schedule({ every: '1h', payload: 'hourly' })
      await registry.apply([{ op: 'update', entry: { ...fields, id, kind } }])
    })
    await app.clock.advance('59m')
    await gotNothing(ear)
    await app.clock.advance('1m')
    const message = await ear.next()
    expect(message.payload).toMatchObject({ payload: 'hourly' })
    await reply(message)
    await app.app.stopService(app.service('app:nightly').id)
    await app.clock.advance('2h')
    await gotNothing(ear)
  })

  it('sends what was missed once at the next start, if it is durable', async () => {
    using folder = mkdtempDisposableSync(`${tmpdir()}/troupe-later-`)
    const set = [`process.later_path=${folder.path}/later.db`]
    const fields = { cron: '0 * * * *', time_zone: 'UTC', durable: true }
    await (await start(fields, { set, date: '2026-01-01T00:30:00Z' })).stop()
    {
      await using app = await start(fields, { set, date: '2026-01-01T05:30:00Z' })
      await using ear = await app.probe({ name: 'ear' })
      await app.clock.advance(0)
      await reply(await ear.next())
      expect(app.log.some((line) => line.includes('missed at 2026-01-01T01:00:00.000Z'))).toBe(true)
      await app.clock.advance('29m')
      await gotNothing(ear)
    }
    await using app = await start({ ...fields, durable: false }, { set, date: '2026-01-01T10:30:00Z' })
    await using ear = await app.probe({ name: 'ear' })
    await app.clock.advance('29m')
    await gotNothing(ear)
  })

  it('makes up for one of the times that a machine slept through', async () => {
    await using app = await start({ cron: '30 2 * * *', time_zone: 'UTC' })
    await using ear = await app.probe({ name: 'ear' })
    const { clock } = app
    const date = clock.date.bind(clock)
    vi.spyOn(clock, 'date').mockImplementation(() => date() + 5 * 24 * 3_600_000)
    await clock.advance('2m')
    await reply(await ear.next())
    await clock.advance('2h')
    await gotNothing(ear)
    await clock.advance('28m')
    const next = await ear.next()
    expect(next.topic).toBe('run')
    await reply(next)
    vi.restoreAllMocks()
  })

  it('waits for a service that restarts, if it is durable', async () => {
    using folder = mkdtempDisposableSync(`${tmpdir()}/troupe-later-`)
    const set = [`process.later_path=${folder.path}/later.db`]
    const fields = { every: '1h', durable: true }
    const restarting = { ...service, lifecycle: { auto_start: true, restart: { initial_delay: '3s', jitter: 0 } } }
    await using app = await start(fields, { set, entries: [host, program, restarting, schedule(fields)] })
    await using ear = await app.probe({ name: 'ear' })
    await app.clock.advance('59m')
    await app.clock.advance('59s')
    await ear.run(async () => {
      const exited = processes.exited('app:clerk')
      await processes.terminate('app:clerk')
      await exited
    })
    await app.clock.advance('1s')
    await app.clock.advance('3s')
    const isBack = async () => ear.run(async () => processes.names.lookup('app:clerk'))
    await expect.poll(isBack, { timeout: 120_000 }).toBeDefined()
    await app.clock.advance('10s')
    await reply(await ear.next())
    expect(app.log.some((line) => line.includes('was not sent'))).toBe(false)
  })

  it('continues when its file cannot be written', async () => {
    using folder = mkdtempDisposableSync(`${tmpdir()}/troupe-later-`)
    const file = `${folder.path}/later.db`
    await using app = await start({ every: '1m', durable: true }, { set: [`process.later_path=${file}`] })
    await using ear = await app.probe({ name: 'ear' })
    using database = new DatabaseSync(file)
    database.exec(`CREATE TRIGGER broken BEFORE INSERT ON schedules BEGIN SELECT RAISE(ABORT, 'disk is full'); END`)
    for (let each = 0; each < 2; each += 1) {
      await app.clock.advance('1m')
      await reply(await ear.next())
    }
    expect(
      app.log.filter((line) => line.includes('cannot keep its next time') && line.includes('disk is full')),
    ).toHaveLength(2)
  })

  it('ends when its entry is gone before it was stopped', async () => {
    await using app = await start({ every: '1m' })
    const { registry: entries } = app.app.kernel
    vi.spyOn(entries, 'decode').mockImplementation(() => {
      throw new Error('there is no entry')
    })
    await app.clock.advance('1m')
    expect(app.log.some((line) => line.includes('app:nightly ends: there is no entry'))).toBe(true)
    vi.restoreAllMocks()
  })

  it.each([
    ['every', { every: '1m' }, '2026-01-01T00:01', '1m'],
    ['cron', { cron: '0 * * * *', time_zone: 'UTC' }, '2026-01-01T01:00', '1h'],
  ])('does not wait for the date of a clock that was wrong: a durable %s', async (_, times, expected, step) => {
    using folder = mkdtempDisposableSync(`${tmpdir()}/troupe-later-`)
    const set = [`process.later_path=${folder.path}/later.db`]
    const fields = { ...times, durable: true }
    {
      await using app = await start(fields, { set, date: '2036-01-01T00:00:00Z' })
      await using ear = await app.probe({ name: 'ear' })
      await app.clock.advance(step)
      await reply(await ear.next())
    }
    await using app = await start(fields, { set })
    await using ear = await app.probe({ name: 'ear' })
    await app.clock.advance(step)
    await reply(await ear.next())
    expect(new Date(app.clock.date()).toISOString()).toContain(expected)
  })

  it('follows a clock that is set back while it runs', async () => {
    await using app = await start({ every: '1m' })
    await using ear = await app.probe({ name: 'ear' })
    const { clock } = app
    await clock.advance('30s')
    const day = 24 * 3_600_000
    const date = clock.date.bind(clock)
    vi.spyOn(clock, 'date').mockImplementation(() => date() - day)
    await clock.advance('90s')
    await reply(await ear.next())
    await clock.advance('1m')
    const last = await ear.next()
    expect(last.topic).toBe('run')
    await reply(last)
    vi.restoreAllMocks()
  })

  it('does not repeat a time of day when the clock is set back a little', async () => {
    await using app = await start({ cron: '0 1 * * *', time_zone: 'UTC' }, { date: '2026-01-01T00:59:00Z' })
    await using ear = await app.probe({ name: 'ear' })
    const { clock } = app
    await clock.advance('1m')
    await reply(await ear.next())
    const date = clock.date.bind(clock)
    vi.spyOn(clock, 'date').mockImplementation(() => date() - 600_000)
    await clock.advance('2h')
    await gotNothing(ear)
    await clock.advance('23h')
    const next = await ear.next()
    expect(next.topic).toBe('run')
    await reply(next)
    vi.restoreAllMocks()
  })

  it.each([
    [{}, 'cron: expected either "cron" or "every"'],
    [{ cron: '* * * * *', every: '1m' }, 'cron: expected either "cron" or "every"'],
    [{ cron: '61 * * * *' }, 'cron: '],
    [{ cron: '0 0 30 2 *' }, 'cron: "0 0 30 2 *" never comes'],
    [{ cron: '* * * * *', time_zone: 'Europe/Nowhere' }, 'time_zone: there is no time zone "Europe/Nowhere"'],
    [{ every: '1ms' }, 'every: the shortest time is 1s'],
    [{ every: '1m', to: 'clerk_program' }, 'to: '],
  ])('refuses %j', async (fields, message) => {
    await expect(start(fields)).rejects.toThrow(message)
  })
})
