import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { registry } from 'troupe'
import { beforeAll, describe, expect, it } from 'vitest'
import { installPeers, load } from '../../peers/install.ts'
import { startWebApp } from './web-app.ts'

const run = promisify(execFile)
const swaps = 1000
const clients = 10_000

beforeAll(async () => installPeers(load))

describe('a server under load', () => {
  it.each([
    ['in its thread', 'inline'],
    ['in others', { min: 1, max: 2 }],
  ])('whose routes are swapped a thousand times fails no request %s', async (_, pool) => {
    await using web = await startWebApp({ pool, endpoints: { hello: { path: '/hello', func: 'hello' } } })
    await fetch(`${web.url}/hello`)
    const wrk = run(load.wrk.path, ['-t1', '-c16', '-d10s', '--timeout', '60s', `${web.url}/hello`])
    for (let version = 0; version < swaps; version += 1) await registry.apply([swap(version)])
    const { stdout } = await wrk
    expect(stdout).toMatch(/\d+ requests in/)
    expect(stdout).not.toMatch(/Non-2xx|Socket errors/)
    expect((await fetch(`${web.url}/swapped-${swaps - 1}/x`)).status).toBe(200)
    expect((await fetch(`${web.url}/swapped-${swaps - 2}/x`)).status).toBe(404)
  })

  it('lets no request wait behind one that takes long, while another thread is free', async () => {
    const held = { path: '/held', func: 'heldUntilEnd' }
    await using web = await startWebApp({ pool: { min: 2, max: 2 }, endpoints: { held } })
    const short = async () => (await fetch(`${web.url}/held?ends`)).json()
    for (let round = 0; round < 5; round += 1) {
      // Requests that end fast one after another: from here on several may wait in a thread.
      await run(load.wrk.path, ['-t1', '-c16', '-d1s', '--timeout', '60s', `${web.url}/held?ends`])
      const client = new AbortController()
      const long = fetch(`${web.url}/held`, { signal: client.signal })
      await Promise.all(Array.from({ length: 31 }, short))
      client.abort()
      await expect(long).rejects.toThrow('abort')
    }
  })

  it('whose routes are swapped a thousand times fails no request over HTTP/2', async () => {
    await using web = await startWebApp({ protocol: 'HTTP/2', endpoints: { hello: { path: '/hello', func: 'hello' } } })
    const over = new AbortController()
    const statuses = new Set<number>()
    const client = async () => {
      while (!over.signal.aborted) {
        const response = await web.fetch('/hello')
        statuses.add(response.status)
        await response.text()
      }
    }
    const asked = Promise.all(Array.from({ length: 16 }, client))
    for (let version = 0; version < swaps; version += 1) await registry.apply([swap(version)])
    over.abort()
    await asked
    expect([...statuses]).toEqual([200])
    expect((await web.fetch(`/swapped-${swaps - 1}/x`)).status).toBe(200)
  })

  it(`serves others beside ${clients} idle connections`, async () => {
    await using web = await startWebApp({
      service: { timeouts: { headers: '0s', idle: '10m' }, limits: { connections: clients + 100 } },
      endpoints: { hello: { path: '/hello', func: 'hello' } },
    })
    const before = process.memoryUsage.rss()
    const child = spawn(process.execPath, [
      join(import.meta.dirname, 'idle-clients.ts'),
      String(web.port),
      String(clients),
    ])
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    expect((await lines.next()).value).toBe(String(clients))
    for (let request = 0; request < 100; request += 1) expect((await fetch(`${web.url}/hello`)).status).toBe(200)
    const perClient = (process.memoryUsage.rss() - before) / clients
    expect(perClient).toBeLessThan(50_000)
    child.stdin.end()
    expect((await lines.next()).value).toBe(String(clients))
    await once(child, 'exit')
  })
})

/** The route itself stays; beside it, another one changes its place. */
function swap(version: number) {
  const op = version === 0 ? ('create' as const) : ('update' as const)
  const entry = {
    id: 'app:swapped',
    kind: 'http.endpoint',
    meta: { router: 'app:router' },
    path: `/swapped-${version}/{any}`,
    func: 'app:hello',
  }
  return { op, entry }
}
