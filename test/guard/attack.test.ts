/**
 * Whatever code does to carry work to another network, each item arrives through the network of its sender, or not at
 * all.
 */
import { createServer } from 'node:http'
import { join } from 'node:path'
import { funcs, processes, registry } from 'troupe'
import { startApp, type TestApp } from 'troupe/test'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { WebSocketServer } from 'ws'
import { type Arrival, Ledger } from '../networks/ledger.ts'
import { startProxy } from '../networks/proxy.ts'
import { listen } from '../networks/servers/listen.ts'
import { names } from '../fixtures/attack/programs.ts'

/** The addresses that items of a network come from. */
const exits = { clear: ['127.0.0.1'], left: ['127.0.0.2'], right: ['127.0.0.3'], dead: [] } as const
type Network = keyof typeof exits
/** One thread after the other, and back. */
const order: readonly Network[] = ['clear', 'left', 'dead', 'right', 'left', 'clear']
/** Dozens of threads start in one test. */
const patience = 300_000
const stack = new AsyncDisposableStack()
const ledger = new Ledger()
let app: TestApp
let moved = 0

const option = (network: Network) => ({ network: network === 'clear' ? null : `app:${network}` })
const pin = (network: Network) => ({ meta: { options: option(network) } })

beforeAll(async () => {
  const server = createServer((request, response) => {
    ledger.read(request.url ?? '', request.socket.remoteAddress)
    response.end('ok')
  })
  server.on('clientError', (error: Error & { rawPacket?: Buffer }, socket) => {
    if ('remoteAddress' in socket) ledger.read(error.rawPacket ?? '', String(socket.remoteAddress))
    socket.destroy()
  })
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket, request) => {
    socket.on('message', (data) => {
      ledger.read(Buffer.isBuffer(data) ? data : '', request.socket.remoteAddress)
      socket.send('ok')
    })
  })
  const port = await listen(server, stack)
  process.env['ATTACK'] = JSON.stringify({ port })
  const [left, right, later] = [
    await startProxy('127.0.0.2', stack),
    await startProxy('127.0.0.3', stack),
    await startProxy('127.0.0.2', stack),
  ]
  moved = later.port
  const proxy = (name: string, proxyPort: number) => ({
    id: `app:${name}`,
    kind: 'network.socks5',
    host: '127.0.0.1',
    port: proxyPort,
  })
  const source = 'file://programs.ts'
  const sends = { source, method: 'send' }
  app = await startApp({
    root: join(import.meta.dirname, '../fixtures/attack'),
    set: ['network_service.drain_timeout=1s'],
    entries: [
      proxy('left', left.port),
      proxy('right', right.port),
      proxy('dead', 1),
      { id: 'app:threads', kind: 'process.host', lifecycle: { auto_start: true } },
      {
        id: 'app:shared',
        kind: 'process.host',
        host: { isolation: 'shared', workers: 1 },
        lifecycle: { auto_start: true },
      },
      { id: 'app:wide', kind: 'function.ts', ...sends, pool: { max: 8 } },
      { id: 'app:nested', kind: 'function.ts', ...sends, pool: { max: 8 } },
      { id: 'app:inline', kind: 'function.ts', ...sends, pool: 'inline' },
      { id: 'app:process', kind: 'process.ts', ...sends },
      { id: 'app:listen', kind: 'process.ts', source, method: 'listen' },
      { id: 'app:source', kind: 'process.ts', source, method: 'source', accepts: 'any' },
      { id: 'app:read', kind: 'function.ts', source, method: 'read', pool: { max: 2 } },
      { id: 'app:pinned', kind: 'function.ts', ...sends, pool: { max: 1 }, ...pin('right') },
      {
        id: 'app:follower',
        kind: 'process.service',
        process: 'app:listen',
        host: 'app:threads',
        network: 'per_sender',
        lifecycle: { auto_start: true },
      },
    ],
  })
  await app.app.run(async () =>
    processes.withName('listener').withOptions({ network: null }).spawn('app:listen', 'app:threads'),
  )
})

afterAll(async () => {
  await stack.disposeAsync()
})

/** Items that arrived from an address that is not allowed. */
function strays(): readonly Arrival[] {
  const may = new Map<string, readonly string[]>(Object.entries(exits))
  // Every member of a group receives a message from the clear network, and handles it in its own network.
  const isForAll = ({ label, network }: Arrival) => label.endsWith('a group') && network === 'clear'
  return [...labels]
    .flatMap((label) => ledger.of(label))
    .filter((arrival) => !isForAll(arrival) && !may.get(arrival.network)?.includes(arrival.peer))
}

const labels = new Set<string>()

function issue(label: string, network: Network): string {
  labels.add(label)
  return ledger.issue(label, network).token
}

/** Ways that an overlay refuses, or that a busy pool refuses. */
const unsure = /^a thread$|clear network$|group|inheritance/
/** Ways that send after the caller stopped waiting, or never. */
const later = /end of the|collected|emitter|channel/

const places = {
  'a pool': async (way: string, network: Network, token: string) =>
    funcs.withOptions(option(network)).call('app:wide', way, token),
  'an inline function': async (way: string, network: Network, token: string) =>
    funcs.withOptions(option(network)).call('app:inline', way, token),
  'a shared host': async (way: string, network: Network, token: string) =>
    processes.withOptions(option(network)).exec('app:process', 'app:shared', way, token),
}

it.each(Object.entries(places))(
  'one network after the other, by %s',
  async (place, run) => {
    for (const network of order) {
      const sending = names.map(async (way) => {
        const token = issue(`${place}: ${way}`, network)
        const outcome = await app.app.run(async () => run(way, network, token).catch(String))
        if (network === 'dead' || unsure.test(way)) return
        expect(outcome, `${way}, ${network}`).toBe('sent')
        if (!later.test(way)) await ledger.arrived(token)
      })
      await Promise.all(sending)
    }
    expect(strays()).toEqual([])
  },
  patience,
)

it.each(Object.entries(places))(
  'all networks at once, by %s',
  async (place, run) => {
    const items = names.flatMap((way) =>
      order.map((network) => [way, network, issue(`${place}: ${way}`, network)] as const),
    )
    await app.app.run(async () =>
      Promise.all(items.map(async ([way, network, token]) => run(way, network, token).catch(String))),
    )
    expect(strays()).toEqual([])
  },
  patience,
)

it('a stream in the reply of another network is fed by that network', async () => {
  for (const [reader, source] of [
    ['clear', 'left'],
    ['left', 'clear'],
    ['left', 'right'],
    ['right', 'dead'],
  ] as const) {
    const tokens = [issue('stream', source), issue('stream', source)]
    const items = await app.app.run(async () =>
      funcs.withOptions(option(reader)).call('app:read', option(source).network, tokens),
    )
    expect(items).toEqual(source === 'dead' ? ['failed', 'failed'] : ['sent', 'sent'])
  }
  expect(strays()).toEqual([])
})

it('a pinned function sends in its pinned network, for any caller', async () => {
  for (let call = 0; call < 3; call += 1) {
    const token = issue('pinned', 'right')
    expect(await app.app.run(async () => funcs.withOptions({}).call('app:pinned', 'an agent', token))).toBe('sent')
    await ledger.arrived(token)
  }
  expect(strays()).toEqual([])
})

it('an overlay that moves while items wait, and one that is deleted', async () => {
  const send = async (count: number) =>
    Promise.all(
      Array.from({ length: count }, async (_, index) => {
        const way = names[index % 6] ?? ''
        return places['a pool'](way, 'left', issue('moved', 'left')).catch(String)
      }),
    )
  await app.app.run(async () => {
    const sending = send(30)
    await registry.apply([
      { op: 'update', entry: { id: 'app:left', kind: 'network.socks5', host: '127.0.0.1', port: moved } },
    ])
    await sending
    const more = send(30)
    await registry.apply([{ op: 'delete', entry: { id: 'app:left' } }])
    await more
    const after = await places['a pool']('an agent', 'left', issue('moved', 'dead')).catch(String)
    expect(after).toMatch(/there is no overlay app:left/)
  })
  // Hooks at the end of threads count, too.
  await app.stop()
  expect(strays()).toEqual([])
})
