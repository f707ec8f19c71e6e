/**
 * `npm run bench:guard`: what the guard costs in the clear network, how overlays compare with socks-proxy-agent in one
 * run, as ratios, and what a sealed host costs.
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import http from 'node:http'
import type { Server } from 'node:net'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import tls from 'node:tls'
import { installPeers } from '../peers/install.ts'
import { address } from '../peers/loopback.ts'
import { startMicrosocks } from '../peers/microsocks.ts'
import { LineProgram } from './line-program.ts'
import { type Line, median, printTable, scaled } from './measure.ts'

const host = '127.0.0.1'
const turns = scaled(12, 3)
/** Repetitions until everything that V8 optimises is compiled. */
const warmUp = 2
const megabytes = scaled(64, 4)

await using stack = new AsyncDisposableStack()
await installPeers()
const folder = await mkdtemp(join(tmpdir(), 'troupe-bench-'))
stack.defer(async () => rm(folder, { recursive: true }))
const proxy = await startMicrosocks(folder, address(10))
stack.use(proxy.daemon)

async function listening(server: Server): Promise<string> {
  await once(server.listen(0, host), 'listening')
  stack.defer(() => {
    server.close()
  })
  const bound = server.address()
  return String(typeof bound === 'object' && bound ? bound.port : 0)
}
const pem = (name: string) => readFileSync(join(import.meta.dirname, '..', 'guard', 'fixtures', name))
const web = http.createServer((_request, response) => response.end('ok'))
const secure = tls.createServer({ cert: pem('server.pem'), key: pem('server.key') }, (socket) => {
  socket.on('error', () => {}).end(Buffer.alloc(megabytes << 20))
})
const ports = [await listening(web), await listening(secure)]
const start = (way: string) => {
  const program = join(import.meta.dirname, 'guard-worker.ts')
  return stack.use(
    new LineProgram([process.execPath, program, way, host, ...ports, proxy.peer.host, String(proxy.peer.port)]),
  )
}
/** Two ways, each in its own process. V8 may compile one process better by chance, so there are several pairs. */
const pairs = (here: string, peer: string) =>
  Array.from({ length: scaled(3, 1) }, () => ({ here: start(here), peer: start(peer) }))
const clear = pairs('clear', 'native')
const overlay = pairs('overlay', 'socks-proxy-agent')

/** The medians of two alternating ways, and the median of their ratios: other load on the machine affects both. */
async function compare(workload: string, ways: typeof clear): Promise<{ here: number; peer: number; ratio: number }> {
  const here: number[] = []
  const peer: number[] = []
  for (const pair of ways) {
    for (let turn = 0; turn < turns; turn++) {
      const [first, second] = turn % 2 === 0 ? [pair.here, pair.peer] : [pair.peer, pair.here]
      const figures = [Number(await first.ask(workload)), Number(await second.ask(workload))]
      if (turn < warmUp) continue
      const [mine = 0, other = 0] = turn % 2 === 0 ? figures : figures.toReversed()
      here.push(mine)
      peer.push(other)
    }
  }
  return {
    here: median(here),
    peer: median(peer),
    ratio: median(here.map((figure, at) => figure / (peer[at] ?? Number.NaN))),
  }
}

const hosts = stack.use(
  new LineProgram([
    process.execPath,
    join(import.meta.dirname, 'guard-hosts.ts'),
    host,
    ports[0] ?? '',
    proxy.peer.host,
    String(proxy.peer.port),
  ]),
)

const kept = await compare('keep-alive', clear)
const connected = await compare('connect', clear)

printTable('in the clear', [
  {
    what: 'HTTP, kept alive',
    figure: kept.here,
    unit: 'µs',
    peer: { name: 'no guard', figure: kept.peer, ratio: kept.ratio },
    target: { text: '≤ 1.01 ×', met: kept.ratio <= 1.01 },
  },
  {
    what: 'a connection',
    figure: connected.here,
    unit: 'µs',
    peer: { name: 'no guard', figure: connected.peer, ratio: connected.ratio },
    target: { text: '≤ 1 µs more', met: (connected.ratio - 1) * connected.peer <= 1 },
  },
])
const against = async (what: string, workload: string, unit: string, limit: number, atLeast = false) => {
  const { here, peer, ratio } = await compare(workload, overlay)
  return {
    what,
    figure: here,
    unit,
    peer: { name: 'socks-proxy-agent', figure: peer, ratio },
    target: { text: `${atLeast ? '≥' : '≤'} ${limit} ×`, met: atLeast ? ratio >= limit : ratio <= limit },
  }
}
printTable('in an overlay', [
  await against('HTTP, kept alive', 'keep-alive', 'µs', 0.45),
  await against('HTTP, a new connection each', 'new connections', 'µs', 0.75),
  await against('TLS', 'TLS', 'MB/s', 1, true),
])

if (process.allowedNodeEnvironmentFlags.has('--allow-net')) {
  const lines: Line[] = []
  for (const { what, unit, workload, way } of [
    { what: 'a connection in the clear', unit: 'µs', workload: 'connects', way: 'clear' },
    { what: 'a connection through the overlay', unit: 'µs', workload: 'connects', way: 'overlay' },
    { what: 'HTTP, kept alive, in the overlay', unit: 'µs', workload: 'requests', way: 'overlay' },
    { what: 'a cold thread, to user code', unit: 'ms', workload: 'start', way: '' },
    { what: 'a warm thread, to user code', unit: 'ms', workload: 'warm', way: '' },
  ]) {
    const figures = { guarded: Array.of<number>(), sealed: Array.of<number>() }
    for (let turn = 0; turn < turns; turn++) {
      for (const on of ['guarded', 'sealed'] as const)
        figures[on].push(Number(await hosts.ask(`${workload} ${on} ${way}`)))
    }
    const [guarded, sealed] = [figures.guarded, figures.sealed].map((values) => median(values.slice(warmUp)))
    lines.push({ what, figure: sealed ?? 0, unit, peer: { name: 'guarded', figure: guarded ?? 0 } })
  }
  printTable('in a sealed host, by the clock', lines)
}
console.log(
  `\nload of the machine: ${loadavg()
    .map((load) => load.toFixed(1))
    .join(', ')} on ${availableParallelism()} processors`,
)
