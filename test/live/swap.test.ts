import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { processes, registry } from 'troupe'
import { startApp, type WrittenEntry } from 'troupe/test'
import { startProxy, startWeb } from './socks-proxy.ts'

const root = join(import.meta.dirname, '../fixtures/live')
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
const proxyAt = (port: number) => ({ id: 'app:proxy', kind: 'network.socks5', host: '127.0.0.1', port })

describe('an overlay under load', () => {
  it('is swapped a thousand times: nothing fails, nothing bypasses it, streams finish', {
    timeout: 180_000,
  }, async () => {
    await using web = await startWeb()
    await using first = await startProxy()
    await using second = await startProxy()
    const proxies = [first, second] as const
    await using app = await startApp({
      root,
      entries: [host, ...['client', 'load', 'reader'].map(program), proxyAt(first.port)],
    })
    await using probe = await app.probe({ name: 'ear' })
    const over = processes.withOptions({ network: 'app:proxy' })
    const start = async (entry: string, ...args: readonly string[]) =>
      probe.run(async () => over.spawnMonitored(entry, 'app:host', ...args))
    const loads = await Promise.all([1, 2, 3].map(async () => start('app:load', web.url)))
    const client = await start('app:client')
    const readers = await Promise.all([1, 2, 3].map(async () => start('app:reader', `${web.url}/stream`)))
    for (const _ of readers) await probe.next({ topic: 'reading', timeout: '30s' })
    const streams = readers.map((pid) => processes.exited(pid))
    for (let swap = 1; swap <= 1000; swap++) {
      const [now, before] = [proxies[swap % 2] ?? first, proxies[(swap + 1) % 2] ?? first]
      await registry.apply([{ op: 'update', entry: proxyAt(now.port) }])
      if (swap % 10 !== 0) continue
      const name = `swap-${swap}`
      expect(await processes.call(client, 'get', web.named(name))).toBe('ok')
      expect([now.names.has(`${name}.test`), before.names.has(`${name}.test`)]).toEqual([true, false])
      if (swap % 250 === 0) web.advance()
    }
    expect(await Promise.all(streams)).toEqual(readers.map(() => ({ value: '0\n1\n2\n3\n' })))
    const ends = loads.map((pid) => processes.exited(pid))
    for (const pid of loads) await processes.cancel(pid, 'enough')
    for (const end of await Promise.all(ends)) {
      expect(end).toMatchObject({ value: { failures: [] } })
      expect('value' in end && end.value).toMatchObject({
        requests: expect.toSatisfy((count: number) => count > 100) as number,
      })
    }
    // Every client of the server was a proxy.
    expect([...web.peers].filter((port) => !first.ports.has(port) && !second.ports.has(port))).toEqual([])
    expect(await registry.version()).toBeGreaterThan(1000)
  })
})
