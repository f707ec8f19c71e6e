/** `troupe dashboard`: where the page of a running application is. */
import { expect, it } from 'vitest'
import { AppFolder } from './app-folder.ts'

const entry = '{ name: host, kind: process.host, host: { spares: 0 }, lifecycle: { auto_start: true } }'
const files = {
  '.troupe.yaml': 'dashboard: { addr: 127.0.0.1:0 }\n',
  'src/_index.yaml': `namespace: app\nentries:\n  - ${entry}\n`,
}

it('prints the address with a token of either role', async () => {
  using folder = new AppFolder(files)
  using program = folder.start('run')
  await program.says('troupe: running')
  const { out, status } = await folder.troupe('dashboard')
  expect([status, out]).toEqual([0, expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/#token=[\w-]{43}\n$/)])
  const reader = await folder.troupe('dashboard', 'reader')
  expect(reader.out).not.toBe(out)
  const { origin, hash } = new URL(reader.out.trim())
  const headers = { authorization: `Bearer ${hash.replace('#token=', '')}` }
  expect((await fetch(`${origin}/dead`, { headers })).status).toBe(200)
  const wrong = await folder.troupe('dashboard', 'everything')
  expect([wrong.status, wrong.err]).toEqual([2, expect.stringContaining('takes nothing, or "reader"')])
})

it('says what to do for an application without a dashboard', async () => {
  using folder = new AppFolder({ 'src/_index.yaml': files['src/_index.yaml'] })
  using program = folder.start('run')
  await program.says('troupe: running')
  const { status, err } = await folder.troupe('dashboard')
  expect([status, err]).toEqual([1, expect.stringContaining('write "dashboard: { addr: 127.0.0.1:9465 }"')])
})
