import { ownCounters, readCounts } from '@troupe/core'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { observeGc } from './garbage-collection.ts'

function collect(): void {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc()')
}

const major = () => readCounts(ownCounters()).gc.major

it('counts the collections of this thread by kind, as long as one of several wants it', async () => {
  collect()
  expect(major()).toEqual({ count: 0, milliseconds: 0 })
  const first = observeGc()
  const second = observeGc()
  collect()
  await expect.poll(() => major().count).toBeGreaterThan(0)
  expect(major().milliseconds).toBeGreaterThan(0)
  await first[Symbol.asyncDispose]()
  await first[Symbol.asyncDispose]()
  const { count } = major()
  collect()
  await expect.poll(() => major().count).toBeGreaterThan(count)
  await second[Symbol.asyncDispose]()
})
