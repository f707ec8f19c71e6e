/**
 * A plain socket behaves in all kinds of threads as in a Node without a guard: guarded and sealed, in an overlay and in
 * the clear network.
 */
import { join } from 'node:path'
import { processes } from 'troupe'
import { startApp, type TestApp } from 'troupe/test'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startProxy } from '../networks/proxy.ts'
import { type Ports, startServers } from './parity/servers.ts'
import { inTheClear, use, uses } from './parity/uses.ts'

const stack = new AsyncDisposableStack()
const hosts = process.allowedNodeEnvironmentFlags.has('--allow-net') ? ['guarded', 'sealed'] : ['guarded']
let app: TestApp
let ports: Ports

beforeAll(async () => {
  ports = await startServers(stack)
  const proxy = await startProxy('127.0.0.2', stack)
  app = stack.use(
    await startApp({
      root: join(import.meta.dirname, 'parity'),
      entries: [
        ...hosts.map((network) => ({
          id: `app:${network}`,
          kind: 'process.host',
          host: { network },
          lifecycle: { auto_start: true },
        })),
        { id: 'app:proxy', kind: 'network.socks5', host: '127.0.0.1', port: proxy.port },
        { id: 'app:use', kind: 'process.ts', source: 'file://uses.ts', method: 'use' },
      ],
    }),
  )
})
afterAll(async () => stack.disposeAsync())

const inThread = async (name: string, host: string, network: string | null) =>
  app.app.run(async () => processes.withOptions({ network }).exec('app:use', `app:${host}`, name, ports))

describe.each(hosts)('a plain socket in a %s host', (host) => {
  it.each(Object.keys(uses))('%s', async (name) => {
    const plain = await use(name, ports)
    expect(await inThread(name, host, null), 'in the clear').toEqual(plain)
    expect(await inThread(name, host, 'app:proxy'), 'in an overlay').toEqual(plain)
  })

  it.each(Object.keys(inTheClear))('in the clear network: %s', async (name) => {
    expect(await inThread(name, host, null)).toEqual(await use(name, ports))
  })
})
