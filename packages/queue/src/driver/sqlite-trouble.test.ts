import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it, vi } from 'vitest'
import { jobOf } from '../testing/job-of.ts'
import { sqliteStore } from '../testing/sqlite-store.ts'
import { LogSync } from './log-sync.ts'

const queue = 'app:mail'
const many = 1_000_000
const hour = 3_600_000
const reservation = { limit: 1, ackWait: 10_000, maxAttempts: 3 }

describe('a date that is corrected', () => {
  it.each([-hour, hour])('by %i ms changes no lease', async (correction) => {
    await using store = await sqliteStore()
    await using driver = await store.open()
    await driver.publish(jobOf('a'), many)
    const [job] = await driver.reserve(queue, reservation)
    if (job === undefined) throw new Error('no job is ready')
    store.set(correction)
    expect(await driver.nextDue(queue)).toBe(store.now() + reservation.ackWait)
    expect(await driver.reserve(queue, reservation)).toEqual([])
    expect(await driver.progress(job, Uint8Array.of(1), reservation.ackWait)).toBe(true)
    await store.pass(reservation.ackWait)
    expect(await driver.reserve(queue, reservation)).toMatchObject([{ id: 'a', attempt: 2 }])
  })
})

describe('many jobs', () => {
  it('that become due at one moment are all taken, in more than one turn', async () => {
    await using store = await sqliteStore()
    await using driver = await store.open()
    const due = store.now() + 1
    await Promise.all(Array.from({ length: 1_500 }, async (_, each) => driver.publish(jobOf(`${each}`, { due }), many)))
    await store.pass(1)
    const first = await driver.reserve(queue, { ...reservation, limit: 2_000 })
    expect(first).toHaveLength(1_000)
    expect(await driver.nextDue(queue)).toBeLessThanOrEqual(store.now())
    expect(await driver.reserve(queue, { ...reservation, limit: 2_000 })).toHaveLength(500)
  })

  it('of large payloads are listed in pages', async () => {
    await using store = await sqliteStore()
    await using driver = await store.open()
    const body = new Uint8Array(8 << 20)
    for (const id of ['a', 'b', 'c']) await driver.publish(jobOf(id, { body }), many)
    const failure = { attempt: 1, at: 0, kind: 'Unknown', message: 'it broke' }
    for (const job of await driver.reserve(queue, { ...reservation, limit: 3 })) await driver.bury(job, failure)
    const pages = [await driver.dead(queue, 10), await driver.dead(queue, 10, 'b'), await driver.dead(queue, 10, 'c')]
    expect(pages.map((page) => page.map(({ id }) => id))).toEqual([['a', 'b'], ['c'], []])
  })
})

describe('a file that is full', () => {
  it('lets the jobs that it has run and end, and has room for others then', async () => {
    await using store = await sqliteStore()
    await using driver = await store.open({ maxBytes: 150_000 })
    const publish = async (id: number) => driver.publish(jobOf(`${id}`, { key: `${id}` }), many)
    const outcomes = await Promise.allSettled(Array.from({ length: 1_000 }, async (_, id) => publish(id)))
    const kept = outcomes.filter(({ status }) => status === 'fulfilled').length
    await expect(publish(1_000)).rejects.toMatchObject({
      ...{ kind: 'Unavailable', retryable: true },
      message: expect.stringMatching(/queues\.db cannot be written: it is full: .* nothing of this change/) as unknown,
    })
    expect(kept).toBeGreaterThan(100)
    for (let done = 0; done < kept; ) {
      const jobs = await driver.reserve(queue, { ...reservation, limit: 100 })
      const ends = await Promise.all(jobs.map(async (job) => driver.acknowledge(job, undefined, hour)))
      expect(ends).toEqual(jobs.map(() => true))
      expect(jobs.length).toBeGreaterThan(0)
      done += jobs.length
    }
    await store.pass(hour)
    await driver.reserve(queue, reservation)
    expect(await publish(1_000)).toMatchObject({ isDuplicate: false })
  })
})

describe('the file', () => {
  it('with damaged errors of one job gives all jobs', async () => {
    await using store = await sqliteStore()
    {
      await using driver = await store.open()
      for (const id of ['a', 'b']) await driver.publish(jobOf(id), many)
      await driver.reserve(queue, reservation)
    }
    const database = new DatabaseSync(store.file)
    database.exec(`UPDATE jobs SET errors = '{damaged' WHERE id = 'a'`)
    database.close()
    await using driver = await store.open()
    const jobs = await driver.reserve(queue, { ...reservation, limit: 2 })
    expect(jobs.map(({ id, attempt }) => [id, attempt])).toEqual([
      ['a', 2],
      ['b', 1],
    ])
    expect(await driver.job(queue, 'a')).toMatchObject({ errors: [{ kind: 'Timeout' }] })
  })

  it('that another program locks refuses jobs with words, and works afterwards', async () => {
    await using store = await sqliteStore()
    await using driver = await store.open()
    const other = new DatabaseSync(store.file)
    other.exec('BEGIN IMMEDIATE')
    const exec = vi.spyOn(DatabaseSync.prototype, 'exec')
    const refused = await Promise.allSettled(
      Array.from({ length: 20 }, async (_, each) => driver.publish(jobOf(`${each}`), many)),
    )
    // Each try holds up the thread.
    expect(exec.mock.calls).toEqual([['BEGIN IMMEDIATE']])
    exec.mockRestore()
    for (const outcome of refused)
      expect(outcome).toMatchObject({
        reason: {
          ...{ kind: 'Unavailable', retryable: true },
          message: expect.stringContaining('database is locked') as unknown,
        },
      })
    other.exec('ROLLBACK')
    other.close()
    expect(await driver.publish(jobOf('a'), many)).toEqual({ id: 'a', isDuplicate: false })
  })

  it('that is no database is refused, and not overwritten', async () => {
    await using store = await sqliteStore()
    const content = 'no database'.repeat(100)
    writeFileSync(store.file, content)
    await expect(store.open()).rejects.toMatchObject({
      kind: 'Unavailable',
      message: expect.stringMatching(/queues\.db cannot be opened: file is not a database/) as unknown,
    })
    expect(readFileSync(store.file, 'utf8')).toBe(content)
  })

  it.each(['queues.db', 'queues.db-wal'])('is missed when %s is removed or replaced', async (name) => {
    await using store = await sqliteStore()
    await using driver = await store.open()
    await driver.publish(jobOf('a'), many)
    const path = store.file.replace('queues.db', name)
    const expected = {
      ...{ kind: 'Unavailable' },
      message: expect.stringMatching(/was removed or replaced while it was in use/) as unknown,
    }
    renameSync(path, `${path}.old`)
    await expect(driver.publish(jobOf('b'), many)).rejects.toMatchObject(expected)
    writeFileSync(path, '')
    await expect(driver.reserve(queue, reservation)).rejects.toMatchObject(expected)
    rmSync(path)
    renameSync(`${path}.old`, path)
    expect(await driver.publish(jobOf('b'), many)).toEqual({ id: 'b', isDuplicate: false })
  })

  it('that the disk cannot write refuses all further jobs', async () => {
    await using store = await sqliteStore()
    await using driver = await store.open()
    const written = vi.spyOn(LogSync.prototype, 'written').mockRejectedValueOnce(new Error('EIO: i/o error, fdatasync'))
    for (const id of ['a', 'b'])
      await expect(driver.publish(jobOf(id), many)).rejects.toMatchObject({
        kind: 'Unavailable',
        message: expect.stringContaining('EIO') as unknown,
      })
    expect(written).toHaveBeenCalledTimes(1)
    written.mockRestore()
  })

  it('of a queue that is gone keeps no results', async () => {
    await using store = await sqliteStore()
    await using driver = await store.open()
    await driver.schema(queue, 'null')
    await driver.publish(jobOf('a'), many)
    for (const job of await driver.reserve(queue, reservation)) await driver.acknowledge(job, Uint8Array.of(1), hour)
    await driver.forget(queue)
    expect([await driver.queues(), await driver.job(queue, 'a')]).toEqual([[], undefined])
  })
})
