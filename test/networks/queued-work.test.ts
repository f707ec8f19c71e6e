/** Work that one network queues behind another's in the same library is not done by the other's connection. */
import { createServer, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { funcs, processes } from 'troupe'
import { startApp, type TestApp } from 'troupe/test'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Ledger } from './ledger.ts'
import { type Proxy, startProxy } from './proxy.ts'
import { startBrokers } from './servers/brokers.ts'
import { listen } from './servers/listen.ts'

const stack = new AsyncDisposableStack()
const ledger = new Ledger()
/** The clients of a server that only an overlay's request is meant for. */
const visitors: (string | undefined)[] = []
let app: TestApp
let proxy: Proxy

beforeAll(async () => {
  const held: ServerResponse[] = []
  const first = createServer((request, response) => {
    ledger.read(request.url ?? '', request.socket.remoteAddress)
    if (request.url !== '/release') held.push(response)
    else for (const waiting of [...held.splice(0), response]) waiting.end()
  })
  const second = createServer((request, response) => {
    ledger.read(request.url ?? '', request.socket.remoteAddress)
    response.end()
  })
  second.on('connection', ({ remoteAddress }) => visitors.push(remoteAddress))
  const ports = createServer((request, response) => response.end(String(request.socket.remotePort)))
  process.env['SERVERS'] = JSON.stringify({
    ...(await startBrokers({ ledger, stack })),
    first: await listen(first, stack),
    second: await listen(second, stack),
    ports: await listen(ports, stack),
  })
  proxy = await startProxy('127.0.0.2', stack)
  const source = 'file://queued-work.js'
  const pools = { mail: 'inline', get: 'inline', ask: 'inline', say: { max: 1 } }
  app = stack.use(
    await startApp({
      root: join(import.meta.dirname, 'clients'),
      // The thread of another network must end before there is room; a connection that never ends keeps it alive.
      set: ['network_service.drain_timeout=500ms'],
      entries: [
        { id: 'app:threads', kind: 'process.host', lifecycle: { auto_start: true } },
        { id: 'app:dead', kind: 'network.socks5', host: '127.0.0.1', port: 1 },
        { id: 'app:tor', kind: 'network.socks5', host: '127.0.0.1', port: proxy.port, isolate: 'actor' },
        ...Object.entries(pools).map(([method, pool]) => ({
          id: `app:${method}`,
          kind: 'function.ts',
          source,
          method,
          pool,
        })),
        ...['both', 'actors'].map((method) => ({ id: `app:${method}`, kind: 'process.ts', source, method })),
      ],
    }),
  )
})
afterAll(async () => stack.disposeAsync())

it.each(['mail', 'get'])('%s: an inline function whose library has one connection', async (name) => {
  const [clear, overlay, last] = ['clear', 'dead', 'clear'].map((network) => ledger.issue(name, network).token)
  const work = [`app:${name}`, 'app:dead', [clear, 'first'], [overlay, 'second'], [last, 'ports']]
  const outcomes = await app.app.run(async () => processes.exec('app:both', 'app:threads', ...work))
  expect(outcomes).toEqual(['sent', 'refused', 'sent'])
  expect(new Set(ledger.of(name).map(({ token }) => token))).not.toContain(overlay)
  expect(visitors).toEqual([])
})

it('a function pool of one thread, whose overlay caller is gone by then', async () => {
  const issue = (network: string) => ledger.issue('say', network).token
  const first = issue('clear')
  await app.app.run(async () => funcs.call('app:say', first))
  await ledger.arrived(first)
  await app.app
    .run(async () => funcs.withOptions({ network: 'app:dead' }).call('app:say', issue('dead'), issue('dead')))
    .catch(() => {})
  // Work on the connection of the clear network arrives in order: this comes after everything that was queued before.
  const last = issue('clear')
  await app.app.run(async () => funcs.call('app:say', last))
  await ledger.arrived(last)
  expect(ledger.of('say').map(({ token }) => token)).toEqual([first, last])
})

it('a library’s pool separates actors if their overlay does', async () => {
  const names = ['alice', 'bob', 'alice']
  const seen = await app.app.run(async () => processes.exec('app:actors', 'app:threads', 'app:ask', 'app:tor', names))
  const logins = Array.isArray(seen)
    ? seen.map((port) => proxy.passages.find((passage) => String(passage.port) === port)?.login)
    : []
  expect(logins).toHaveLength(3)
  expect(logins).not.toContain(undefined)
  expect(logins[2]).toBe(logins[0])
  expect(logins[1]).not.toBe(logins[0])
})
