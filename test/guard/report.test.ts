/**
 * Diagnostic reports, which some libraries request when they load, look up the names of the ends of all connections:
 * not in an overlay.
 */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { Namespace } from './namespace.ts'

const program = fileURLToPath(new URL('./report-program.ts', import.meta.url))
let stack = new AsyncDisposableStack()
let folder = ''
let namespace: Namespace

beforeEach(async () => {
  stack = new AsyncDisposableStack()
  folder = await mkdtemp(join(tmpdir(), 'troupe-report-'))
  stack.defer(async () => rm(folder, { recursive: true, force: true }))
  namespace = stack.use(await Namespace.start(folder, {}))
})
afterEach(async () => stack.disposeAsync())

async function reports(mode: string): Promise<void> {
  const printed = await namespace.run('--report-uncaught-exception', `--report-directory=${folder}`, program, mode)
  expect(printed).toBe('3 reports\n')
  expect((await readdir(folder)).filter((name) => name.startsWith('report.'))).toHaveLength(1)
}

it('sends no packet for a report, requested or written by Node itself', async () => {
  await reports('guarded')
  const { proxy, ...strays } = await namespace.counters()
  expect(strays).toEqual({ dns: 0, tcp: 0, udp: 0, other: 0 })
  expect(proxy).toBeGreaterThan(0)
})

it('would ask DNS without the guard', async () => {
  await reports('unguarded')
  expect((await namespace.counters()).dns).toBeGreaterThan(0)
})
