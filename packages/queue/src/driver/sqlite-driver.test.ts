import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { statSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { testDriver } from '../testing/driver-contract.ts'
import { jobOf } from '../testing/job-of.ts'
import { testKeys } from '../testing/key-contract.ts'
import { testReported } from '../testing/reported-contract.ts'
import { sqliteStore } from '../testing/sqlite-store.ts'

const queue = 'app:mail'
const many = 1_000_000
const program = `${import.meta.dirname}/../testing/killed-program.ts`

testDriver('SQLite', async () => sqliteStore())
testKeys('SQLite', async () => sqliteStore())
testReported('SQLite', async () => sqliteStore())

describe('the file of jobs', () => {
  it('loses nothing that was acknowledged when its program is killed under load', async () => {
    await using store = await sqliteStore()
    const published = new Set<string>()
    const done = new Set<string>()
    for (let round = 1; round <= 3; round += 1) {
      const child = spawn(process.execPath, [program, store.file], { stdio: ['ignore', 'pipe', 'inherit'] })
      const enough = published.size + 300
      for await (const line of createInterface({ input: child.stdout })) {
        const [what, id = ''] = line.split(' ')
        if (what === 'published') published.add(id)
        else done.add(id)
        if (published.size >= enough && done.size > 0) child.kill('SIGKILL')
      }
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      expect(child.signalCode).toBe('SIGKILL')
      await using driver = await store.open()
      const states = new Map<string, string>()
      for (const id of published) states.set(id, (await driver.job(queue, id))?.state ?? 'lost')
      expect([...published].filter((id) => states.get(id) === 'lost')).toEqual([])
      expect([...done].filter((id) => states.get(id) !== 'done')).toEqual([])
    }
  })

  it('rejects with words when the disk is full, keeps what it had, and works when there is room', async () => {
    await using store = await sqliteStore()
    const body = new Uint8Array(50_000)
    let kept = 1
    {
      await using driver = await store.open({ maxBytes: 300_000 })
      await driver.publish(jobOf('small'), many)
      const outcomes = await Promise.allSettled(
        Array.from({ length: 10 }, async (_, each) => driver.publish(jobOf(`${each}`, { body }), many)),
      )
      const refused = outcomes.filter(({ status }) => status === 'rejected')
      kept += outcomes.length - refused.length
      expect(kept).toBeGreaterThan(1)
      expect(refused.length).toBeGreaterThan(0)
      for (const outcome of refused)
        expect(outcome).toMatchObject({
          reason: {
            kind: 'Unavailable',
            retryable: true,
            message: expect.stringMatching(
              /queues\.db cannot be written: .*full.*: nothing of this change was kept/,
            ) as unknown,
          },
        })
      expect(await driver.counts(queue)).toMatchObject({ waiting: kept })
    }
    await using driver = await store.open()
    expect(await driver.counts(queue)).toMatchObject({ waiting: kept })
    const jobs = await driver.reserve(queue, { limit: 20, ackWait: 1_000, maxAttempts: 1 })
    expect(jobs).toHaveLength(kept)
    expect(await driver.publish(jobOf('later', { body }), many)).toMatchObject({ isDuplicate: false })
  })

  it('lets no change fail because of another one that is made together with it', async () => {
    await using store = await sqliteStore()
    await using driver = await store.open({ maxBytes: 200_000 })
    const outcomes = await Promise.allSettled([
      driver.publish(jobOf('a'), many),
      driver.publish(jobOf('b', { body: new Uint8Array(500_000) }), many),
      driver.publish(jobOf('c'), many),
    ])
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(await driver.counts(queue)).toMatchObject({ waiting: 2 })
  })

  it('is open in one application at a time, and for its owner alone', async () => {
    await using store = await sqliteStore()
    {
      await using _driver = await store.open()
      await expect(store.open()).rejects.toMatchObject({
        kind: 'Conflict',
        message: expect.stringContaining('give this one a queue.path of its own') as unknown,
      })
      expect((statSync(store.file).mode & 0o777).toString(8)).toBe('600')
    }
    await using _driver = await store.open()
  })

  it('is not opened when a later version wrote it', async () => {
    await using store = await sqliteStore()
    await (await store.open())[Symbol.asyncDispose]()
    const database = new DatabaseSync(store.file)
    database.exec('PRAGMA user_version = 99')
    database.close()
    await expect(store.open()).rejects.toMatchObject({
      kind: 'Unavailable',
      message: expect.stringContaining('was written by a later version of Troupe') as unknown,
    })
  })

  it('makes what is asked for together in one write, and finishes it when it is closed', async () => {
    await using store = await sqliteStore()
    const driver = await store.open()
    const all = Array.from({ length: 1_200 }, async (_, each) => driver.publish(jobOf(`${each}`), many))
    await driver[Symbol.asyncDispose]()
    await Promise.all(all)
    await using again = await store.open()
    expect(await again.counts(queue)).toMatchObject({ waiting: 1_200 })
  })
})
