import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { jobOf } from '../testing/job-of.ts'
import { sqliteStore } from '../testing/sqlite-store.ts'
import type { Claim, JobError } from './driver.ts'

const queue = 'app:mail'
const many = 1_000_000
const hour = 3_600_000
const ackWait = hour
// Nothing here is about the disk.
const inMemory = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
const failure: JobError = { attempt: 1, at: 0, kind: 'Unknown', message: 'it broke' }

/** What a step of the test does, to a job that it chooses by number. */
type Step =
  | { readonly do: 'publish'; readonly key: string | undefined; readonly priority: number; readonly delay: number }
  | { readonly do: 'reserve'; readonly limit: number }
  | { readonly do: (typeof outcomes)[number] | 'replay' | 'drop'; readonly job: number; readonly delay: number }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'reopen' }

const outcomes = ['acknowledge', 'bury', 'retry', 'release'] as const
const job = fc.nat({ max: 30 })
const delay = fc.constantFrom(0, 0, 1_000, 5_000)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ ...keyed(), do: fc.constant('publish' as const), delay }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('reserve' as const), limit: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constantFrom(...outcomes, 'replay', 'drop'), job, delay }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(500, 1_000, 5_000) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'reopen' as const }) },
)

function keyed() {
  return {
    key: fc.constantFrom('a', 'b', undefined),
    priority: fc.constantFrom(0, 0, 0, 5),
  }
}

/** A job of the model. */
interface Modelled {
  readonly id: string
  readonly seq: number
  readonly key: string | undefined
  readonly priority: number
  state: 'delayed' | 'waiting' | 'running' | 'dead' | 'done'
  due: number
  attempts: number
  claim?: Claim
}

/** Which jobs are to be next, by the rule alone. */
class Model {
  readonly jobs: Modelled[] = []
  time = 0

  reserve(limit: number, perKey: number): readonly Modelled[] {
    for (const each of this.jobs) if (each.state === 'delayed' && each.due <= this.time) each.state = 'waiting'
    const taken: Modelled[] = []
    for (let next = this.#next(perKey); next !== undefined && taken.length < limit; next = this.#next(perKey)) {
      next.state = 'running'
      next.attempts += 1
      taken.push(next)
    }
    return taken
  }

  #next(perKey: number): Modelled | undefined {
    return this.jobs
      .filter((each) => each.state === 'waiting' && this.#hasRoom(each, perKey))
      .toSorted((a, b) => b.priority - a.priority || a.seq - b.seq)[0]
  }

  #hasRoom({ seq, key, attempts, priority, id }: Modelled, perKey: number): boolean {
    if (key === undefined) return true
    const others = this.jobs.filter((each) => each.key === key && each.id !== id)
    if (attempts > 0) return others.filter(({ state }) => state === 'running').length < perKey
    const begun = others.filter((each) => each.attempts > 0 && each.state !== 'done' && each.state !== 'dead')
    // Those that have begun go first.
    if (begun.some(({ state }) => state === 'waiting')) return false
    const isFirst = !others.some(
      (each) =>
        each.state === 'waiting' && (each.priority > priority || (each.priority === priority && each.seq < seq)),
    )
    return isFirst && begun.length < perKey
  }
}

describe('the next job', () => {
  it('is that of the rule, with a limit for each key', { timeout: 180_000 }, async () => {
    const steps = fc.array(step, { minLength: 10, maxLength: 50 })
    await fc.assert(
      fc.asyncProperty(steps, fc.constantFrom(1, 2), async (all, perKey) => {
        await using store = await sqliteStore(inMemory)
        const model = new Model()
        let driver = await store.open()
        const chosen = (number: number, state: Modelled['state']) => {
          const those = model.jobs.filter((each) => each.state === state)
          return those[number % Math.max(1, those.length)]
        }
        const claimOf = (one: Modelled): Claim => {
          if (one.claim === undefined) throw new Error('it does not run')
          return one.claim
        }
        for (const each of all) {
          switch (each.do) {
            case 'publish': {
              const seq = model.jobs.length
              const due = store.now() + each.delay
              const fields = { key: each.key, priority: each.priority }
              await driver.publish(jobOf(`${seq}`, { ...fields, due }), many)
              const state = each.delay > 0 ? 'delayed' : 'waiting'
              model.jobs.push({ id: `${seq}`, seq, ...fields, state, due: model.time + each.delay, attempts: 0 })
              break
            }
            case 'reserve': {
              const taken = await driver.reserve(queue, { limit: each.limit, ackWait, maxAttempts: many, perKey })
              const expected = model.reserve(each.limit, perKey)
              expect(taken.map(({ id }) => id)).toEqual(expected.map(({ id }) => id))
              for (const [index, one] of expected.entries()) {
                const claim = taken[index]
                if (claim !== undefined) one.claim = claim
              }
              break
            }
            case 'pass':
              await store.pass(each.ms)
              model.time += each.ms
              break
            case 'reopen':
              await driver[Symbol.asyncDispose]()
              driver = await store.open()
              // What ran is waiting at the next reservation.
              for (const one of model.jobs) if (one.state === 'running') one.state = 'waiting'
              break
            case 'replay':
            case 'drop': {
              const one = chosen(each.job, 'dead')
              if (one === undefined) break
              expect(await driver[each.do](queue, one.id)).toBe(true)
              if (each.do === 'drop') one.state = 'done'
              else Object.assign(one, { state: 'waiting', attempts: 0 })
              break
            }
            default: {
              const one = chosen(each.job, 'running')
              if (one === undefined) break
              if (each.do === 'acknowledge') {
                expect(await driver.acknowledge(claimOf(one), undefined, hour)).toBe(true)
                one.state = 'done'
              } else if (each.do === 'bury') {
                expect(await driver.bury(claimOf(one), failure)).toBe(true)
                one.state = 'dead'
              } else {
                const isKept =
                  each.do === 'retry'
                    ? driver.retry(claimOf(one), failure, each.delay)
                    : driver.release(claimOf(one), each.delay)
                expect(await isKept).toBe(true)
                if (each.do === 'release') one.attempts -= 1
                one.state = each.delay > 0 ? 'delayed' : 'waiting'
                one.due = model.time + each.delay
              }
            }
          }
        }
        const count = (state: Modelled['state']) => model.jobs.filter((each) => each.state === state).length
        const { dead, delayed, waiting, running } = await driver.counts(queue)
        expect(dead).toBe(count('dead'))
        expect(delayed + waiting + running).toBe(count('delayed') + count('waiting') + count('running'))
        await driver[Symbol.asyncDispose]()
      }),
      { numRuns: 40 },
    )
  })
})
