import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { entryId } from '@troupe/core'
import { Registry } from '@troupe/registry'
import { expect, it, onTestFinished, vi } from 'vitest'
import { networkKinds } from './overlay-kinds.ts'
import { OverlayTable } from './overlay-table.ts'
import { RunningReport, runningOverlays } from './running-report.ts'

const id = entryId('app:proxy')

it('each program on the same state has its own report, which counts while the program runs', async () => {
  const state = await mkdtemp(join(tmpdir(), 'troupe-report-'))
  onTestFinished(async () => rm(state, { recursive: true }))
  const registry = new Registry({ kinds: networkKinds })
  registry.add({ id, kind: 'network.socks5', fields: { host: '127.0.0.1', port: 1, connect_timeout: '100ms' } })
  await using overlays = new OverlayTable(registry)
  await overlays.add(id)
  const report = new RunningReport(overlays, () => [id], state)
  await vi.waitFor(async () => expect((await runningOverlays(state)).get(id)).toMatchObject({ state: 'down' }), {
    timeout: 120_000,
  })
  const [folder = ''] = await readdir(state)
  const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
  const since = Date.now() + 60_000
  await writeFile(join(state, folder, `${other.pid}.json`), JSON.stringify({ [id]: { state: 'up', since } }))
  // The last change of both is that of the other program.
  expect((await runningOverlays(state)).get(id)).toMatchObject({ state: 'up' })
  const ended = once(other, 'exit')
  other.kill('SIGKILL')
  await ended
  expect((await runningOverlays(state)).get(id)).toMatchObject({ state: 'down' })
  await report[Symbol.asyncDispose]()
  expect((await runningOverlays(state)).size).toBe(0)
})

it('ends where the folder is a file', async () => {
  const state = await mkdtemp(join(tmpdir(), 'troupe-report-'))
  onTestFinished(async () => rm(state, { recursive: true }))
  const file = join(state, 'file')
  await writeFile(file, '')
  await using overlays = new OverlayTable(new Registry({ kinds: networkKinds }))
  const report = new RunningReport(overlays, () => [id], file)
  await report[Symbol.asyncDispose]()
  expect((await runningOverlays(file)).size).toBe(0)
})
