/**
 * Replaces a node of a running application: both use one state folder, so the old node ends before the new one starts.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { processes, registry } from 'troupe'
import { startApp, type WrittenEntry } from 'troupe/test'
import { expect, it } from 'vitest'
import { Tailnet } from '../peers/tailnet.ts'

const root = join(import.meta.dirname, '../fixtures/tailnet')
const host: WrittenEntry = {
  id: 'app:host',
  kind: 'process.host',
  host: { spares: 0 },
  lifecycle: { auto_start: true },
}
const program = (method: string): WrittenEntry => ({
  id: `app:${method}`,
  kind: 'process.ts',
  source: 'file://programs.ts',
  method,
})

it('makes dials wait, and none of them fail', async () => {
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'troupe-tailnet-'))
  stack.defer(async () => rm(folder, { recursive: true, force: true }))
  const tailnet = stack.use(await Tailnet.start())
  process.env['TS_DISABLE_PORTMAPPER'] = '1'
  const node = async (name: string) => ({
    id: `app:${name}`,
    kind: 'network.tailscale',
    control_url: tailnet.url,
    auth_key: await tailnet.key(),
    state_dir: join(folder, name),
  })
  const entries = [host, program('greeter'), program('dialer'), await node('here'), await node('there')]
  const app = stack.use(await startApp({ root, entries }))
  const probe = stack.use(await app.probe({ name: 'ear' }))
  const start = async (network: string, entry: string, ...args: readonly unknown[]) =>
    probe.run(async () => processes.withOptions({ network }).spawnMonitored(entry, 'app:host', ...args))
  const greeter = await start('app:there', 'app:greeter', 7)
  await probe.next({ topic: 'greets', timeout: 120_000 })
  const dialer = await start('app:here', 'app:dialer', 'there', 7)
  await probe.next({ topic: 'dials', timeout: 120_000 })
  // Each time with another key, which is only needed if the folder has none.
  for (let swap = 0; swap < 5; swap += 1)
    await probe.run(async () => registry.apply([{ op: 'update', entry: await node('here') }]))
  const ended = processes.exited(dialer)
  await processes.cancel(dialer, 'enough')
  expect(await ended).toMatchObject({ value: { failures: [] } })
  await processes.cancel(greeter, 'enough')
})
