/** `npm run bench:guard`: what the guard costs in the clear, and how overlays compare with socks-proxy-agent, in one run, as ratios;
 * and what a sealed host costs. */
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
const turns = scaled(7, 3)
/** Turns until all is compiled that will be. */
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
  return stack.use(new LineProgram([process.execPath, program, way, host, ...ports, proxy.peer.host, String(proxy.peer.port)]))
}
const [native, clear, overlay, rival] = [start('native'), start('clear'), start('overlay'), start('socks-proxy-agent')]

/** Medians of two ways that take turns. */
async function compare(workload: string, ...ways: readonly LineProgram[]): Promise<number[]> {
  const figures = ways.map((): number[] => [])
  for (let turn = 0; turn < turns; turn++) {
    for (const [at, way] of ways.entries()) figures[at]?.push(Number(await way.ask(workload)))
  }
  return figures.map((values) => median(values.slice(warmUp)))
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

const [keptNative = 0, keptClear = 0] = await compare('keep-alive', native, clear)
const [connectNative = 0, connectClear = 0] = await compare('connect', native, clear)
const [keptOverlay = 0, keptRival = 0] = await compare('keep-alive', overlay, rival)
const [newOverlay = 0, newRival = 0] = await compare('new connections', overlay, rival)
const [tlsOverlay = 0, tlsRival = 0] = await compare('TLS', overlay, rival)

printTable('in the clear', [
  {
    what: 'HTTP, kept alive',
    figure: keptClear,
    unit: 'µs',
    peer: { name: 'no guard', figure: keptNative },
    target: { text: '≤ 1.01 ×', met: keptClear <= keptNative * 1.01 },
  },
  {
    what: 'a connection',
    figure: connectClear,
    unit: 'µs',
    peer: { name: 'no guard', figure: connectNative },
    target: { text: '≤ 1 µs more', met: connectClear - connectNative <= 1 },
  },
])
const against = (what: string, unit: string, figure: number, peer: number, limit: number, atLeast = false) => ({
  what,
  figure,
  unit,
  peer: { name: 'socks-proxy-agent', figure: peer },
  target: { text: `${atLeast ? '≥' : '≤'} ${limit} ×`, met: atLeast ? figure >= peer * limit : figure <= peer * limit },
})
printTable('in an overlay', [
  against('HTTP, kept alive', 'µs', keptOverlay, keptRival, 0.45),
  against('HTTP, a new connection each', 'µs', newOverlay, newRival, 0.75),
  against('TLS', 'MB/s', tlsOverlay, tlsRival, 1, true),
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
      for (const on of ['guarded', 'sealed'] as const) figures[on].push(Number(await hosts.ask(`${workload} ${on} ${way}`)))
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
