import { DatabaseSync } from 'node:sqlite'
import { afterEach, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { jobOf } from '../testing/job-of.ts'
import { sqliteStore } from '../testing/sqlite-store.ts'

const queue = 'app:mail'
const many = 1_000_000
const hour = 3_600_000
const failure = { attempt: 1, at: 0, kind: 'Unknown', message: 'it broke' }
const details = z.array(z.object({ detail: z.string() }))

afterEach(() => {
  vi.restoreAllMocks()
})

/** Uses all of a driver, and returns the file of jobs and the statements that it prepared. */
async function used() {
  const stack = new AsyncDisposableStack()
  const store = stack.use(await sqliteStore())
  const prepare = vi.spyOn(DatabaseSync.prototype, 'prepare')
  {
    await using driver = await store.open()
    await driver.schema(queue, 'null')
    await driver.schema(queue, 'true')
    for (const id of ['a', 'b', 'c', 'd', 'e']) await driver.publish(jobOf(id, { key: 'k' }), many)
    await driver.publish(jobOf('later', { due: store.now() + 1 }), many)
    const take = async (perKey?: number) => {
      const [job] = await driver.reserve(queue, { limit: 1, ackWait: hour, maxAttempts: 9, perKey })
      if (job === undefined) throw new Error('no job is ready')
      return job
    }
    await driver.retry(await take(1), failure, 0)
    await driver.release(await take(1), 1)
    await store.pass(1)
    await driver.progress(await take(1), Uint8Array.of(1), 1)
    await store.pass(1)
    await driver.bury(await take(), failure)
    await driver.acknowledge(await take(), undefined, 1)
    await driver.acknowledge(await take(), undefined, 0)
    const [dead] = await driver.dead(queue, 1)
    await driver.dead(queue, 1, dead?.id)
    await driver.replay(queue, dead?.id ?? '')
    await driver.drop(queue, 'none')
    await driver.job(queue, 'a')
    await driver.counts(queue)
    await driver.nextDue(queue)
    await driver.waitingSince(queue)
    await driver.queues()
    await driver.forget('app:none')
  }
  const statements = [...new Set(prepare.mock.calls.map(([sql]) => sql))].filter((sql) => sql.includes('jobs'))
  prepare.mockRestore()
  const database = new DatabaseSync(store.file)
  stack.defer(() => {
    database.close()
  })
  const planOf = (sql: string) => {
    const parameters = Array.from({ length: (sql.match(/\?(?!\d)/g) ?? []).length }, () => 1)
    const numbered = [...new Set(sql.match(/\?\d/g))].map(() => 1)
    const plan = details.parse(database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...parameters, ...numbered))
    return plan.map(({ detail }) => detail)
  }
  return { statements, planOf, [Symbol.asyncDispose]: async () => stack.disposeAsync() }
}

it('every statement finds its jobs by an index, and sorts none', async () => {
  await using at = await used()
  expect(at.statements.length).toBeGreaterThan(20)
  for (const sql of at.statements)
    for (const step of at.planOf(sql)) {
      // The index of leases contains only what runs.
      if (step.includes('jobs'))
        expect(`${sql}: ${step}`).toMatch(/SEARCH jobs USING .*(INDEX|PRIMARY KEY)|SCAN jobs USING INDEX leases/)
      expect(`${sql}: ${step}`).not.toContain('TEMP B-TREE')
    }
})

it('the next job is the first entry of an index, however many of its key wait behind it', async () => {
  await using at = await used()
  const plans = (part: string) => at.statements.filter((sql) => sql.includes(part)).map((sql) => at.planOf(sql))
  expect(plans('ORDER BY priority DESC, seq LIMIT 1')).toEqual([['SEARCH jobs USING INDEX waiting (queue=?)']])
  expect(plans('ORDER BY (attempts > 0) DESC')).toEqual([['SEARCH jobs USING INDEX blocked (queue=? AND key=?)']])
  const counts = plans('SELECT COUNT(*) AS count').flat()
  expect(counts).toContain('SEARCH jobs USING COVERING INDEX running_keys (queue=? AND key=?)')
  expect(counts).toContain('SEARCH jobs USING INDEX begun (queue=? AND key=?)')
})
