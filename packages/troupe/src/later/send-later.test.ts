import { mkdtempDisposableSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { DatabaseSync } from 'node:sqlite'
import { serialize } from 'node:v8'
import { describe, expect, it } from 'vitest'
import { processes, security } from '../index.ts'
import { type Probe, startApp, type WrittenEntry } from '../test/index.ts'

const root = import.meta.dirname
const fixtures = '../test/fixtures/workers'
const host: WrittenEntry = { id: 'app:host', kind: 'process.host', lifecycle: { auto_start: true } }
const leaver: WrittenEntry = {
  id: 'app:leaver',
  kind: 'process.ts',
  source: `file://${fixtures}/clerk.ts`,
  method: 'leaver',
}
const date = '2026-03-01T12:00:00Z'

const gotNothing = async (probe: Probe) => expect(probe.next({ timeout: 1 })).rejects.toMatchObject({ kind: 'Timeout' })

describe('processes.sendLater', () => {
  it('sends a message after a time, also if its sender has ended', async () => {
    await using app = await startApp({ root, entries: [host, leaver], date })
    await using probe = await app.probe({ name: 'ear' })
    await probe.run(async () => processes.exec('app:leaver', 'app:host'))
    await app.clock.advance('59s')
    await gotNothing(probe)
    await app.clock.advance('1s')
    expect(await probe.next({ topic: 'late' })).toMatchObject({ payload: 'from one that ended' })
  })

  it('sends a message at a date, to the process that has the name then', async () => {
    await using app = await startApp({ root, entries: [host], date })
    await using sender = await app.probe()
    await sender.run(async () => processes.sendLater('ear', 'noon', 1, { at: new Date('2026-03-02T12:00:00Z') }))
    await using ear = await app.probe({ name: 'ear' })
    await app.clock.advance('23h')
    await gotNothing(ear)
    await app.clock.advance('1h')
    expect(await ear.next({ topic: 'noon' })).toMatchObject({ payload: 1, from: sender.pid })
  })

  it('is cancelled by its reference, or by its id, once', async () => {
    await using app = await startApp({ root, entries: [host], date })
    await using probe = await app.probe({ name: 'ear' })
    await probe.run(async () => {
      const first = await processes.sendLater(probe.pid, 'a', 1, { in: 1000 })
      await processes.sendLater(probe.pid, 'b', 1, { in: 1000, id: 'mine' })
      await processes.sendLater(probe.pid, 'c', 1, { in: 1000 })
      await expect(processes.sendLater(probe.pid, 'd', 1, { in: 1, id: 'mine' })).rejects.toMatchObject({
        kind: 'AlreadyExists',
      })
      expect([await first.cancel(), await first.cancel()]).toEqual([true, false])
      expect([await processes.cancelLater('mine'), await processes.cancelLater('mine')]).toEqual([true, false])
    })
    await app.clock.advance('1s')
    expect((await probe.next()).topic).toBe('c')
    expect(await probe.run(async () => processes.cancelLater('c'))).toBe(false)
  })

  it('becomes a dead letter when it cannot be sent', async () => {
    await using app = await startApp({ root, entries: [host], date })
    await using probe = await app.probe()
    await probe.run(async () => processes.sendLater('nothing', 'a', 1, { in: 1000 }))
    await app.clock.advance('1s')
    expect(app.deadLetters).toMatchObject([
      { from: probe.pid, to: 'nothing', topic: 'a', reason: 'it was to be sent later: there is no process "nothing"' },
    ])
  })

  it.each([
    [{}, 'sendLater needs either "in" or "at"'],
    [{ in: 1, at: 1 }, 'sendLater needs either "in" or "at"'],
    [{ in: 'soon' }, 'soon'],
    [{ in: Infinity }, 'in: the time must be finite'],
    [{ at: new Date('never') }, 'at: expected a date'],
  ])('refuses the time %j', async (options, message) => {
    await using app = await startApp({ root, entries: [host], date })
    await using probe = await app.probe()
    await expect(probe.run(async () => processes.sendLater(probe.pid, 'a', 1, options))).rejects.toThrow(message)
  })

  it('refuses what cannot be sent, at once', async () => {
    await using app = await startApp({ root, entries: [host], date })
    await using probe = await app.probe()
    await probe.run(async () => {
      const send = async (to: string, payload: unknown) => processes.sendLater(to, 'a', payload, { in: 1 })
      await expect(send('<9.9>', 1)).rejects.toMatchObject({ kind: 'NotFound' })
      await expect(send('ear', { run: () => 1 })).rejects.toThrow('run')
      await expect(send('ear', new SharedArrayBuffer(1))).rejects.toThrow('a SharedArrayBuffer')
      await expect(processes.sendLater('ear', '@a', 1, { in: 1 })).rejects.toThrow('reserved')
      await expect(processes.sendLater('ear', 'a', 1, { in: 1, id: '\ud800' })).rejects.toThrow('not well-formed')
    })
  })

  it('is refused when those of the sender hold too much', async () => {
    await using app = await startApp({ root, entries: [host], date })
    await using probe = await app.probe()
    await probe.run(async () => {
      const send = async () => processes.sendLater('ear', 'a', new Uint8Array(40 << 20), { in: '1h' })
      const first = await send()
      await expect(send()).rejects.toMatchObject({ kind: 'RateLimited', details: { count: 1 } })
      await first.cancel()
      await send()
    })
  })

  it('counts an object that occurs several times once', async () => {
    await using app = await startApp({ root, entries: [host], date })
    await using probe = await app.probe({ name: 'ear' })
    await probe.run(async () => {
      const circle: unknown[] = []
      circle.push(circle)
      const shared = Array.from({ length: 30 }).reduce<unknown>((inner) => [inner, inner], 'x')
      await processes.sendLater('ear', 'circle', circle, { in: 1 })
      await processes.sendLater('ear', 'shared', shared, { in: 1 })
    })
    await app.clock.advance('1s')
    expect([(await probe.next()).topic, (await probe.next()).topic]).toEqual(['circle', 'shared'])
  })

  it('is lost with the application, unless it is durable', async () => {
    using folder = mkdtempDisposableSync(`${tmpdir()}/troupe-later-`)
    const set = [`process.later_path=${folder.path}/later.db`]
    {
      await using app = await startApp({ root, entries: [host], set, date })
      await using probe = await app.probe({ name: 'ear' })
      await probe.run(async () => {
        await processes.sendLater('ear', 'durable', new Map([['a', new Error('b')]]), { in: '1h', durable: true })
        await processes.sendLater('ear', 'other', 1, { in: '1h' })
        await processes.sendLater('ear', 'cancelled', 1, { in: '1h', durable: true, id: 'x' })
        await processes.cancelLater('x')
        await processes.sendLater('ear', 'sent', 1, { in: 1, durable: true })
      })
      await app.clock.advance(1)
      expect((await probe.next()).topic).toBe('sent')
    }
    {
      await using app = await startApp({ root, entries: [host], set, date: '2026-03-01T12:30:00Z' })
      await using probe = await app.probe({ name: 'ear' })
      await app.clock.advance('29m')
      await gotNothing(probe)
      await app.clock.advance('1m')
      expect(await probe.next()).toMatchObject({ topic: 'durable', payload: new Map([['a', new Error('b')]]) })
    }
    await using app = await startApp({ root, entries: [host], set, date: '2026-03-01T14:00:00Z' })
    await using probe = await app.probe({ name: 'ear' })
    await app.clock.advance('1h')
    await gotNothing(probe)
  })

  it('comes from the network of its sender', async () => {
    const proxy: WrittenEntry = { id: 'app:proxy', kind: 'network.socks5', host: '127.0.0.1', port: 1 }
    const clerk = (accepts: object): readonly WrittenEntry[] => [
      { id: 'app:clerk', kind: 'process.ts', source: `file://${fixtures}/worker.ts`, method: 'worker' },
      {
        ...{ id: 'app:service', kind: 'process.service', process: 'clerk', host: 'host', name: 'ear' },
        ...{ lifecycle: { auto_start: true }, ...accepts },
      },
    ]
    for (const [accepts, letters] of [
      [{}, [expect.stringContaining('accepts no messages from overlay app:proxy')]],
      [{ accepts: ['app:proxy'] }, []],
    ] as const) {
      await using app = await startApp({ root, entries: [host, leaver, proxy, ...clerk(accepts)], date })
      await using probe = await app.probe()
      await probe.run(async () => processes.withOptions({ network: 'app:proxy' }).exec('app:leaver', 'app:host'))
      await app.clock.advance('1m')
      // The reply follows the message that was sent later.
      await probe.run(async () => processes.call('ear', 'who'))
      expect(app.deadLetters.map(({ reason }) => reason)).toEqual(letters)
    }
  })

  it('needs permission to send, now and then', async () => {
    const policy = (resources: string): WrittenEntry => ({
      ...{ id: 'app:policy', kind: 'security.policy', actions: ['process.spawn', 'process.exec', 'process.host'] },
      ...{ resources: [resources], effect: 'allow' },
    })
    await using app = await startApp({ root, entries: [host, leaver, policy('*')], date })
    await using probe = await app.probe({ name: 'ear' })
    await probe.run(async () => {
      const mallory = processes.withActor(security.newActor('mallory')).withScope(security.newScope(['app:policy']))
      await expect(mallory.exec('app:leaver', 'app:host')).rejects.toMatchObject({
        kind: 'PermissionDenied',
        details: { action: 'process.send' },
      })
    })
  })

  it('retries a durable message whose receiver is not there yet', async () => {
    using folder = mkdtempDisposableSync(`${tmpdir()}/troupe-later-`)
    const set = [`process.later_path=${folder.path}/later.db`]
    await using app = await startApp({ root, entries: [host], set, date })
    await using sender = await app.probe()
    await sender.run(async () => processes.sendLater('ear', 'a', 1, { in: 0, durable: true }))
    await app.clock.advance('2s')
    await using ear = await app.probe({ name: 'ear' })
    await app.clock.advance('10s')
    expect((await ear.next()).topic).toBe('a')
    await sender.run(async () => processes.sendLater('absent', 'b', 1, { in: 0, durable: true }))
    await app.clock.advance('2m')
    expect(app.deadLetters.map(({ to }) => to)).toEqual(['absent'])
  })

  it('continues when its file cannot be written', async () => {
    using folder = mkdtempDisposableSync(`${tmpdir()}/troupe-later-`)
    const file = `${folder.path}/later.db`
    await using app = await startApp({ root, entries: [host], set: [`process.later_path=${file}`], date })
    await using probe = await app.probe({ name: 'ear' })
    await probe.run(async () => {
      await processes.sendLater('ear', 'a', 1, { in: '1s', durable: true })
      const kept = await processes.sendLater('ear', 'b', 1, { in: '2s', durable: true })
      using database = new DatabaseSync(file)
      database.exec(`CREATE TRIGGER broken BEFORE DELETE ON messages BEGIN SELECT RAISE(ABORT, 'disk is full'); END`)
      await expect(kept.cancel()).rejects.toThrow('later.db cannot be written: disk is full')
    })
    await app.clock.advance('10m')
    expect([(await probe.next()).topic, (await probe.next()).topic]).toEqual(['a', 'b'])
    await gotNothing(probe)
    expect(app.log.some((line) => /was sent, and cannot be removed: .*disk is full/.test(line))).toBe(true)
    {
      using database = new DatabaseSync(file)
      database.exec('DROP TRIGGER broken')
    }
    await app.clock.advance('1m')
    using database = new DatabaseSync(file)
    expect(database.prepare('SELECT id FROM messages').all()).toEqual([])
  })

  it('is refused among many that come together as among those that come one by one', async () => {
    using folder = mkdtempDisposableSync(`${tmpdir()}/troupe-later-`)
    await using app = await startApp({
      root,
      entries: [host],
      set: [`process.later_path=${folder.path}/later.db`],
      date,
    })
    await using probe = await app.probe({ name: 'ear' })
    await probe.run(async () => {
      const send = async (id: string, size: number) =>
        processes.sendLater('ear', 'a', new Uint8Array(size), { in: '1h', durable: true, id })
      const outcomes = await Promise.allSettled([send('a', 1), send('a', 1), send('b', 40 << 20), send('c', 40 << 20)])
      expect(outcomes).toMatchObject([
        { status: 'fulfilled' },
        { status: 'rejected', reason: { kind: 'AlreadyExists' } },
        { status: 'fulfilled' },
        { status: 'rejected', reason: { kind: 'RateLimited' } },
      ])
    })
  })

  it('is sent although another durable message is damaged', async () => {
    using folder = mkdtempDisposableSync(`${tmpdir()}/troupe-later-`)
    const file = `${folder.path}/later.db`
    const set = [`process.later_path=${file}`]
    {
      await using app = await startApp({ root, entries: [host], set, date })
      await using probe = await app.probe({ name: 'ear' })
      await probe.run(async () => {
        for (const id of ['a', 'b', 'c']) await processes.sendLater('ear', id, 1, { in: '1s', durable: true, id })
      })
    }
    {
      using database = new DatabaseSync(file)
      database.prepare('UPDATE messages SET message = ? WHERE id = ?').run(new Uint8Array([1, 2, 3]), 'a')
      database.prepare('UPDATE messages SET message = ? WHERE id = ?').run(serialize({ id: 'b' }), 'b')
    }
    await using app = await startApp({ root, entries: [host], set, date })
    await using probe = await app.probe({ name: 'ear' })
    await probe.run(async () => {
      const again = processes.sendLater('ear', 'again', 1, { in: '1s', durable: true, id: 'a' })
      await expect(again).rejects.toMatchObject({ kind: 'AlreadyExists' })
    })
    await app.clock.advance('1s')
    expect((await probe.next()).topic).toBe('c')
    expect(
      app.log.filter((line) => /durable message "[ab]" cannot be read, and is not sent: /.test(line)),
    ).toHaveLength(2)
  })
})
