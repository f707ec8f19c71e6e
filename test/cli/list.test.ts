import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { AppFolder } from './app-folder.ts'

it('troupe list shows the status of a running application’s overlays, and since when', async () => {
  using folder = new AppFolder({
    'package.json': '{ "type": "module" }',
    'src/_index.yaml': `namespace: app
entries:
  - name: proxy
    kind: network.socks5
    host: 127.0.0.1
    port: 1
    username: me
    password: unseen
`,
  })
  const before = await folder.troupe('list')
  expect(before.out).not.toContain('STATE')
  using program = folder.start('run')
  await program.says('overlay app:proxy is down')
  const kept = join(folder.path, '.troupe/net/running')
  await expect
    .poll(async () => (await folder.troupe('list')).out)
    .toMatch(/app:proxy .* down since \d{4}-\d\d-\d\dT.*: .*cannot be reached \(ECONNREFUSED\)/)
  const { out } = await folder.troupe('list', 'network.*', '--json')
  const since: unknown = expect.any(Number)
  expect(JSON.parse(out)).toMatchObject([{ id: 'app:proxy', status: { state: 'down', since } }])
  const [file = ''] = readdirSync(kept)
  expect([statSync(kept).mode & 0o777, statSync(join(kept, file)).mode & 0o777]).toEqual([0o700, 0o600])
  program.kill('SIGTERM')
  await program.ended
  expect(readdirSync(kept)).toEqual([])
  expect((await folder.troupe('list')).out).toBe(before.out)
})
