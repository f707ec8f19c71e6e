/**
 * `npm run bench:tailscale`: Node to Node through two sidecars, alternating with two tsnet nodes without Node in the
 * same run.
 */
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import type { Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { type EntryId, TroupeError } from '@troupe/core'
import { dial, type Route } from '@troupe/network'
import { sidecarPids } from '../overlays/sidecar-pids.ts'
import { TailnetWorld } from '../overlays/tailscale-fixture.ts'
import { installPeers } from '../peers/install.ts'
import { Tailnet } from '../peers/tailnet.ts'
import { buildTailscale } from '../peers/tailscale-programs.ts'
import { LineProgram } from './line-program.ts'
import { type Line, median, printTable, scaled } from './measure.ts'
import { measureNative, type NativeFigures } from './tailscale-native.ts'

const rounds = scaled(3, 1)
const messageSize = 64
const bulkBytes = scaled(128, 4) * 1024 * 1024
const dials = scaled(200, 5)
const atOnce = scaled(1000, 20)
const milliseconds = scaled(2000, 200)
const manyNodes = scaled(50, 3)

await using stack = new AsyncDisposableStack()
await installPeers()
await buildTailscale()
const tailnet = stack.use(await Tailnet.start())
const key = await tailnet.key()
const target = stack.use(
  new LineProgram([process.execPath, join(import.meta.dirname, 'tailscale-target.ts'), tailnet.url, key]),
)
const host = await target.line()
const world = stack.use(await TailnetWorld.in(tailnet))
const { route } = await world.node('here')

const found: { readonly ours: NativeFigures; readonly native: NativeFigures }[] = []
const load = loadavg()
for (let round = 0; round < rounds; round += 1) {
  // Both are warm: the path is found, and the code is compiled.
  await roundTrips(route, 16, milliseconds / 4)
  found.push({ ours: await measure(route), native: await measureNative(tailnet.url, key, milliseconds / 1000) })
}

const of = (figure: (figures: NativeFigures) => number) => ({
  figure: median(found.map(({ ours }) => figure(ours))),
  peer: { name: 'native', figure: median(found.map(({ native }) => figure(native))) },
})
const ratio = ({ figure, peer }: ReturnType<typeof of>) => figure / peer.figure
const rate = (connections: number) => of(({ roundTrips }) => roundTrips.get(connections) ?? Number.NaN)
const [sixteen, bulk, dialled, thousand] = [
  rate(16),
  of((f) => f.bulk),
  of((f) => f.dialP50),
  of((f) => f.thousandDials * 1000),
]
printTable(`a tailnet (${rounds} rounds; load of the machine before: ${load.map((one) => one.toFixed(1)).join(' ')})`, [
  { what: 'round trips of 64 bytes, 1 connection', unit: '/s', ...rate(1) },
  {
    what: 'round trips of 64 bytes, 16 connections',
    unit: '/s',
    ...sixteen,
    target: { text: '≥ 0.6', met: ratio(sixteen) >= 0.6 },
  },
  { what: 'round trips of 64 bytes, 64 connections', unit: '/s', ...rate(64) },
  { what: 'one connection', unit: 'MB/s', ...bulk, target: { text: '≥ 0.75', met: ratio(bulk) >= 0.75 } },
  { what: 'a dial, p50', unit: 'ms', ...dialled, target: { text: '≤ 1.2 ms', met: dialled.figure <= 1.2 } },
  { what: '1,000 dials at once', unit: 'ms', ...thousand, target: { text: '≤ 500 ms', met: thousand.figure <= 500 } },
] satisfies readonly Line[])
const memory = await memoryOfNodes()
printTable('memory', [
  {
    what: `${manyNodes} nodes in one sidecar`,
    figure: memory,
    unit: 'MB',
    target: { text: '≤ 250 MB', met: memory <= 250 },
  },
])

async function measure(from: Route): Promise<NativeFigures> {
  const rates = new Map<number, number>()
  for (const connections of [1, 16, 64]) rates.set(connections, await roundTrips(from, connections, milliseconds))
  return {
    roundTrips: rates,
    bulk: await bulkRate(from),
    dialP50: await dialTime(from),
    thousandDials: (await dialsAtOnce(from)) / 1000,
  }
}

/** Per second. */
async function roundTrips(from: Route, connections: number, length: number): Promise<number> {
  const sockets = await Promise.all(Array.from({ length: connections }, async () => dial(from, { host, port: 7 })))
  const began = performance.now()
  const counts = await Promise.all(sockets.map(async (socket) => pingPong(socket, began + length)))
  const elapsed = performance.now() - began
  for (const socket of sockets) socket.destroy()
  return counts.reduce((sum, count) => sum + count, 0) / (elapsed / 1000)
}

async function pingPong(socket: Socket, until: number): Promise<number> {
  const message = Buffer.alloc(messageSize)
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  let [count, missing] = [0, messageSize]
  socket.on('error', reject).on('data', (chunk) => {
    missing -= chunk.length
    if (missing > 0) return
    count += 1
    missing = messageSize
    if (performance.now() < until) socket.write(message)
    else resolve(count)
  })
  socket.write(message)
  return promise
}

/** MB per second. */
async function bulkRate(from: Route): Promise<number> {
  const socket = await dial(from, { host, port: 9 })
  const chunk = Buffer.alloc(64 * 1024)
  const began = performance.now()
  for (let sent = 0; sent < bulkBytes; sent += chunk.length) if (!socket.write(chunk)) await once(socket, 'drain')
  socket.end()
  if (Number(await text(socket)) !== bulkBytes) throw new Error('not all has arrived')
  return bulkBytes / 1e6 / ((performance.now() - began) / 1000)
}

/** Milliseconds, one after the other. */
async function dialTime(from: Route): Promise<number> {
  const times: number[] = []
  for (let n = 0; n < dials; n += 1) {
    const began = performance.now()
    const socket = await dial(from, { host, port: 7 })
    times.push(performance.now() - began)
    socket.destroy()
  }
  return median(times)
}

/** Milliseconds until all connections are established. */
async function dialsAtOnce(from: Route): Promise<number> {
  const began = performance.now()
  const sockets = await Promise.all(Array.from({ length: atOnce }, async () => dial(from, { host, port: 7 })))
  const elapsed = performance.now() - began
  for (const socket of sockets) socket.destroy()
  return elapsed
}

/** Resident memory in MB of a sidecar with many nodes, all in one tailnet. */
async function memoryOfNodes(): Promise<number> {
  for (let n = 1; n < manyNodes; n += 1) await joined(await world.entry(`node-${n}`))
  const [pid] = await sidecarPids()
  const [, kilobytes] = /^VmRSS:\s*(\d+)/m.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? []
  return (Number(kilobytes) * 1024) / 1e6
}

/**
 * The server sends each new node to all others in full. On a busy machine, a node may be late and is retried, as a
 * restarted service would be.
 */
async function joined(id: EntryId): Promise<void> {
  for (;;) {
    try {
      await world.overlays.add(id)
      return
    } catch (error) {
      if (!(error instanceof TroupeError) || !error.retryable) throw error
    }
  }
}
