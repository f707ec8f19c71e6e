/**
 * The isolation that a request asks for reaches the proxy, whether the thread dials or, in a sealed host, the kernel.
 */
import { createServer } from 'node:http'
import { join } from 'node:path'
import { processes } from 'troupe'
import { startApp, type TestApp } from 'troupe/test'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Proxy, startProxy } from '../networks/proxy.ts'
import { listen } from '../networks/servers/listen.ts'

const stack = new AsyncDisposableStack()
const hosts = process.allowedNodeEnvironmentFlags.has('--allow-net') ? ['guarded', 'sealed'] : ['guarded']
let app: TestApp
let proxy: Proxy
let url = ''

beforeAll(async () => {
  proxy = await startProxy('127.0.0.2', stack)
  // Each request uses its own connection.
  const origin = createServer((_request, response) => {
    response.setHeader('connection', 'close')
    response.end()
  })
  url = `http://127.0.0.1:${await listen(origin, stack)}/`
  const source = 'file://requests.ts'
  app = stack.use(
    await startApp({
      root: join(import.meta.dirname, '../fixtures/sealed'),
      entries: [
        ...hosts.map((network) => ({
          id: `app:${network}`,
          kind: 'process.host',
          host: { network },
          lifecycle: { auto_start: true },
        })),
        ...['actor', 'process', 'destination'].map((isolate) => ({
          id: `app:by_${isolate}`,
          kind: 'network.socks5',
          host: '127.0.0.1',
          port: proxy.port,
          isolate,
        })),
        { id: 'app:requests', kind: 'process.ts', source, method: 'requests' },
      ],
    }),
  )
})
afterAll(async () => stack.disposeAsync())

/** The logins of the connections that `work` opens, as letters in the order of their first appearance. */
async function circuits(work: () => Promise<unknown>): Promise<string> {
  const before = proxy.passages.length
  await app.app.run(work)
  const logins = proxy.passages.slice(before).map(({ login }) => login)
  expect(logins).not.toContain(undefined)
  const distinct = [...new Set(logins)]
  return logins.map((login) => String.fromCharCode(97 + distinct.indexOf(login))).join('')
}

const keys = ['x', 'y', 'x', null, null, 'y']

it.each(hosts.flatMap((host) => ['actor', 'process', 'destination'].map((by) => [host, by] as const)))(
  'in a %s host, in the thread’s own network: %s',
  async (host, by) => {
    const seen = await circuits(async () => {
      for (const id of ['ann', 'bob']) {
        const inOverlay = processes.withOptions({ network: `app:by_${by}` }).withActor({ id, meta: {} })
        await inOverlay.exec('app:requests', `app:${host}`, url, keys)
      }
    })
    // A key counts together with the caller; without a key, each caller has its own login.
    expect(seen).toBe(by === 'destination' ? 'abaccbabaccb' : 'abaccbabaddb')
  },
)

it.each(hosts.flatMap((host) => ['actor', 'process'].map((by) => [host, by] as const)))(
  'in a %s host, in the network of a request: %s',
  async (host, by) => {
    const inClear = processes.withOptions({ network: null })
    expect(await circuits(async () => inClear.exec('app:requests', `app:${host}`, url, keys, `app:by_${by}`))).toBe(
      'abacdb',
    )
  },
)
