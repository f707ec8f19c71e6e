import { expect, it } from 'vitest'
import type { JobRecord } from './job-record.ts'
import { QueueIndex } from './queue-index.ts'

function indexed() {
  let time = 1_000
  const index = new QueueIndex({ now: () => time, date: () => time })
  let revision = 0
  const put = (id: string, fields: Partial<JobRecord> = {}) => {
    revision += 1
    index.put(id, revision, {
      ...{ state: 'ready', id, priority: 0, key: undefined, attempts: 0, published: 0, due: 0, errors: [] },
      body: { bytes: new Uint8Array() },
      ...fields,
    })
  }
  const pass = (ms: number) => {
    time += ms
  }
  return { index, put, pass, date: () => time }
}

const idsOf = (jobs: readonly { readonly token: string }[]) => jobs.map(({ token }) => token)

it('a job that becomes due between two questions of a consumer is not forgotten', () => {
  const { index, put, pass, date } = indexed()
  put('a', { due: 1_010 })
  expect(index.pick(10)).toEqual([])
  expect(index.nextDue()).toBe(1_010)
  pass(10)
  // Others ask as well.
  expect(index.counts()).toMatchObject({ waiting: 1 })
  expect(index.nextDue()).toBe(date())
  expect(idsOf(index.pick(10))).toEqual(['a'])
  expect(index.nextDue()).toBeUndefined()
})

it('jobs behind another one of their key are due when that one has ended', () => {
  const { index, put } = indexed()
  put('a', { key: 'k' })
  put('b', { key: 'k' })
  expect(idsOf(index.pick(10, 1))).toEqual(['a'])
  expect(index.nextDue()).toBeUndefined()
  put('a', { key: 'k', state: 'running', attempts: 1, receipt: 'x', ackWait: 10 })
  expect(index.pick(10, 1)).toEqual([])
  put('a', { key: 'k', state: 'done', attempts: 1, until: 9_000 })
  expect(idsOf(index.pick(10, 1))).toEqual(['b'])
})

it('an older record does not replace a newer one, also of a job that was removed', () => {
  const { index, put } = indexed()
  put('a')
  index.put('a', 5, undefined)
  index.see('a', 3, undefined)
  expect(index.revisionOf('a')).toBe(5)
  index.see('a', 5, undefined)
  expect(index.counts()).toEqual({ delayed: 0, waiting: 0, running: 0, done: 0, dead: 0 })
})
