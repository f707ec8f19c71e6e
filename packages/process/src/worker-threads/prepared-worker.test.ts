/** A worker that was started before the kernel existed becomes its first thread. */
import { once } from 'node:events'
import type { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { startKernel } from '../testing/start-kernel.ts'
import { dropPrepared, prepareWorker } from './prepared-worker.ts'

let started: Worker[] = []
const note = (worker: Worker) => {
  started.push(worker)
}

beforeEach(() => {
  started = []
  process.on('worker', note)
})
afterEach(() => {
  process.off('worker', note)
  dropPrepared()
})

/** Node reports a worker in a later turn. */
async function prepare(): Promise<void> {
  const reported = once(process, 'worker')
  prepareWorker()
  await reported
}

const programs = ['life.answer', 'life.fail']

it('runs the first process, and no other', async () => {
  await prepare()
  await using kernel = await startKernel({ programs, host: { spares: 0 } })
  expect(await kernel.exec('life.answer', 5)).toBe(5)
  expect(started).toHaveLength(1)
  await expect(kernel.exec('life.fail', 'too far')).rejects.toMatchObject({ name: 'RangeError', message: 'too far' })
  expect(started).toHaveLength(2)
})

it('does not run a process whose thread has options', async () => {
  await prepare()
  await using kernel = await startKernel({ programs, host: { spares: 0, env: [] } })
  expect(await kernel.exec('life.answer', 5)).toBe(5)
  expect(started).toHaveLength(2)
})

it('does not run a process after a change of the environment', async () => {
  await prepare()
  process.env['TROUPE_TEST_PREPARED'] = 'set'
  try {
    await using kernel = await startKernel({ programs, host: { spares: 0 } })
    expect(await kernel.exec('life.answer', 5)).toBe(5)
  } finally {
    delete process.env['TROUPE_TEST_PREPARED']
  }
  expect(started).toHaveLength(2)
})

it('ends with its host, even before it has loaded', async () => {
  await prepare()
  await using kernel = await startKernel({ programs, host: { spares: 1 } })
  expect(started).toHaveLength(1)
  await kernel.host[Symbol.asyncDispose]()
  expect(started[0]?.threadId).toBe(-1)
})

it('is replaced by another if it has ended', async () => {
  await prepare()
  await started[0]?.terminate()
  await using kernel = await startKernel({ programs, host: { spares: 0 } })
  expect(await kernel.exec('life.answer', 5)).toBe(5)
  expect(started).toHaveLength(2)
})
