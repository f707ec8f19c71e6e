/** A load balancer that follows `/readyz` loses no request when the application is asked to stop. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { AppFolder } from '../cli/app-folder.ts'
import { installPeers, load } from '../peers/install.ts'

const files = {
  'package.json': '{ "type": "module" }',
  '.troupe.yaml': `
metrics: { addr: "127.0.0.1:0" }
shutdown: { delay: 10m }
`,
  'src/_index.yaml': `
namespace: app
entries:
  - { name: web, kind: http.service, addr: "127.0.0.1:0", lifecycle: { auto_start: true } }
  - { name: router, kind: http.router, meta: { server: web } }
  - { name: hello, kind: function.ts, source: "file://hello.ts", method: hello, pool: inline }
  - { name: at, kind: http.endpoint, meta: { router: router }, path: /hello, func: hello }
`,
  'src/hello.ts': "export function hello() { return new Response('hello') }\n",
}

it('no request fails while the application stops and its clients follow /readyz', async () => {
  await installPeers(load)
  using folder = new AppFolder(files)
  using program = folder.start('run')
  await program.says('troupe: running')
  const port = program.match(/listens on 127\.0\.0\.1:(\d+)/)
  const health = `http://127.0.0.1:${program.match(/metrics and health at http:\/\/127\.0\.0\.1:(\d+)/)}`
  const wrk = execFile(load.wrk.path, ['-t1', '-c16', '-d600s', '--timeout', '60s', `http://127.0.0.1:${port}/hello`])
  const [printed, ended] = [wrk.stdout === null ? Promise.resolve('') : text(wrk.stdout), once(wrk, 'exit')]
  try {
    const requests = async () => {
      const metrics = await (await fetch(`${health}/metrics`)).text()
      return Number(/troupe_http_requests_total\{[^}]*\} (\d+)/.exec(metrics)?.[1] ?? 0)
    }
    await expect.poll(requests).toBeGreaterThan(100)
    const ready = async () => (await fetch(`${health}/readyz`)).status
    expect(await ready()).toBe(200)
    program.kill('SIGTERM')
    while ((await ready()) === 200) await sleep(10)
    expect(await ready()).toBe(503)
    const before = await requests()
    // It still works.
    await expect.poll(requests).toBeGreaterThan(before)
  } finally {
    // wrk prints what it has counted.
    wrk.kill('SIGINT')
  }
  await ended
  const report = await printed
  expect(report).toMatch(/\d+ requests in/)
  expect(report).not.toMatch(/Non-2xx|Socket errors/)
  // The delay is as long as any machine needs for the above; the program is killed instead of waiting for its end.
  program.kill('SIGKILL')
  expect((await program.ended).signal).toBe('SIGKILL')
})
