/** What `npm run nightly:queues` does with many jobs, with few. */
import { mkdirSync, mkdtempDisposableSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { checkFaults } from './fault-checker.ts'
import { canSeal, filesOf, runWithFaults } from './faults.ts'

const cache = join(import.meta.dirname, '../../.cache')
mkdirSync(cache, { recursive: true })

const when = (possible: boolean) => (possible ? describe : noTests)

/** The list of tests shows what this Node supports. */
function noTests(): void {}

when(canSeal)('on a Node that can seal processes', () => {
  it('no job is lost, done twice or out of order in a program that is killed and stopped', async () => {
    using folder = mkdtempDisposableSync(join(cache, 'queue-faults-'))
    const plan = ['kill', 'stop', 'killWorkers', 'kill', 'stop', 'killWorkers', 'kill'] as const
    const faults = await runWithFaults({
      ...{ folder: folder.path, seed: 'few', jobs: 320, linesBetween: 60, apart: 0.2, plan },
    })
    expect(faults).toMatchObject({ killed: 3, stopped: 2 })
    expect(faults.workersKilled).toBeGreaterThan(0)
    const { wrong, published, runs } = checkFaults(filesOf(folder.path))
    expect(wrong).toEqual([])
    expect(published).toBe(320)
    expect(runs).toBeGreaterThan(200)
  })
})

/** A log, and a file in which each job of it is done. */
function written(folder: string, lines: readonly string[]) {
  const files = filesOf(folder)
  writeFileSync(files.log, lines.map((line) => `${line}\n`).join(''))
  const database = new DatabaseSync(files.jobs)
  database.exec('CREATE TABLE jobs (id TEXT, state TEXT, attempts INTEGER, errors TEXT)')
  const errors = JSON.stringify([{ attempt: 1 }])
  for (const id of ['1-1', '1-2']) database.prepare('INSERT INTO jobs VALUES (?, ?, ?, ?)').run(id, 'done', 2, errors)
  database.close()
  return files
}

const usual = [
  'published 1-1 jobs key1 first',
  'published 1-2 jobs key1 first',
  'began 1-1 2 key1 1',
  'done 1-1 jobs',
  'began 1-2 1 key1 2',
  'done 1-2 jobs',
]

it('the checker accepts an attempt that begins after it has lost the job, and no other one', () => {
  using folder = mkdtempDisposableSync(join(cache, 'queue-checker-'))
  const late = written(folder.path, [...usual, 'began 1-1 1 key1 1'])
  expect(checkFaults(late).wrong).toEqual([])
  writeFileSync(late.log, `${[...usual, 'began 1-1 3 key1 1'].join('\n')}\n`)
  expect(checkFaults(late).wrong).toContain('1-1 began again after it was done, in attempt 3')
})

it('the checker finds jobs that are lost, doubled, or out of order', () => {
  using folder = mkdtempDisposableSync(join(cache, 'queue-checker-'))
  const [first = '', second = '', ...others] = usual
  const wrong = written(folder.path, [
    ...[first, second, 'published 1-3 jobs key1 first', 'doubled 1-2'],
    ...['began 1-2 1 key1 2', 'done 1-2 jobs', 'began 1-1 2 key1 1', 'done 1-1 jobs', 'done 1-1 jobs'],
  ])
  expect(others).toHaveLength(4)
  const found = checkFaults(wrong).wrong.join('\n')
  expect(found).toMatch(/1-2 was kept a second time/)
  expect(found).toMatch(/1-3 was acknowledged, and is lost/)
  expect(found).toMatch(/1-1 was done twice/)
  expect(found).toMatch(/1-2 began after number 0 of key1/)
})
