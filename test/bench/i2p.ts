/**
 * `npm run bench:i2p`: I2P on a private router, against bare sockets and one session per dial, all in one run, as
 * ratios.
 */
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createStream } from '@diva.exchange/i2p-sam'
import { entryId } from '@troupe/core'
import { accept, dial, type Overlay } from '@troupe/network'
import { networkKinds, OverlayTable } from '@troupe/network/kernel'
import { Registry } from '@troupe/registry'
import { startI2p, zeroHops } from '../peers/i2pd.ts'
import { installPeers } from '../peers/install.ts'
import { address } from '../peers/loopback.ts'
import type { I2pPeer } from '../peers/peers.ts'
import { SamLines } from '../peers/sam-lines.ts'
import { type Line, median, printTable, scaled } from './measure.ts'

const dialRounds = scaled(700, 12)
const warmUp = scaled(100, 2)
const streamBytes = scaled(4, 1) * 1024 * 1024
const streamRounds = scaled(60, 4)
const atOnce = scaled(100, 4)
const waitingAccepts = 8
/** Milliseconds after which a silent connection counts as lost. */
const patience = 10_000

await using stack = new AsyncDisposableStack()
await installPeers()
const folder = await mkdtemp(join(tmpdir(), 'troupe-bench-'))
stack.defer(async () => rm(folder, { recursive: true, force: true }))
const { peer } = stack.use(await startI2p(join(folder, 'i2p'), address(17)))
const registry = new Registry({ kinds: networkKinds })
const overlays = stack.use(new OverlayTable(registry, { stateDir: join(folder, 'net') }))
const id = entryId('bench:i2p')
registry.add({ id, kind: 'network.i2p', fields: { ...peer.sam, options: zeroHops } })
const overlay = await overlays.add(id)
/** Hand-written streams use the same session, so that its other load is the same for both. */
const session = sessionIn(overlay.route.config)
const options = Object.entries(zeroHops)
  .map(([name, value]) => `${name}=${value}`)
  .join(' ')
const [pool, place] = await Promise.all([rawSession('pool'), overlay.bind({ port: 80 }), overlay.check?.()])
stack.use(pool)

if (process.argv[2] !== 'stream') printTable('a dial', await dials(peer))
printTable('one stream, there and back', await throughput(peer))
printTable(`${atOnce} connections that arrive at once`, await arrivals())

function sessionIn(config: unknown): string {
  if (typeof config === 'object' && config !== null && 'session' in config) return String(config.session)
  throw new TypeError('this is no route of I2P')
}

async function rawSession(name: string): Promise<SamLines> {
  const lines = await SamLines.open(peer.sam.host, peer.sam.port)
  await lines.ask(`SESSION CREATE STYLE=STREAM ID=${name} DESTINATION=TRANSIENT SIGNATURE_TYPE=7 ${options}`)
  return lines
}

/** Milliseconds: medians of alternating dials. */
async function dials({ sam, echo }: I2pPeer): Promise<readonly Line[]> {
  const ways = [
    async () => dial(overlay.route, { host: echo, port: 80 }),
    async () => (await SamLines.open(sam.host, sam.port)).socket,
    async () => rawStream(echo),
  ]
  const taken = ways.map(() => new Array<number>())
  for (let round = 0; round < dialRounds; round += 1) {
    for (const [index, way] of ways.entries()) {
      const began = performance.now()
      const socket = await way()
      const time = performance.now() - began
      if (round >= warmUp) taken[index]?.push(time)
      socket.destroy()
      await once(socket, 'close')
    }
  }
  const [figure = Number.NaN, line = Number.NaN, raw = Number.NaN] = taken.map(median)
  const began = performance.now()
  const stream = await createStream({
    sam: { host: sam.host, portTCP: sam.port },
    session: { options },
    stream: { destination: peer.echoDestination },
  })
  const each = performance.now() - began
  stream.close()
  const times = each / figure
  return [
    {
      what: 'a dial on the warm session',
      figure,
      unit: 'ms',
      peer: { name: 'a bare connect and one SAM line', figure: line },
      target: { text: '≤ 2', met: figure / line <= 2 },
    },
    { what: 'the same', figure, unit: 'ms', peer: { name: 'the same lines by hand', figure: raw } },
    {
      what: 'the same, how many times faster than a session for each dial',
      figure: times,
      unit: '×',
      peer: { name: 'i2p-sam, ms', figure: each },
      target: { text: '≥ 1000', met: times >= 1000 },
    },
  ]
}

async function rawStream(destination: string): Promise<Socket> {
  const lines = await SamLines.open(peer.sam.host, peer.sam.port)
  const answer = await lines.ask(`STREAM CONNECT ID=${session} DESTINATION=${destination} SILENT=false`)
  if (!answer.includes('RESULT=OK')) throw new Error(answer)
  return lines.socket
}

/** A hand-written stream, whose socket was not read line by line before. */
async function rawSocket(destination: string): Promise<Socket> {
  const socket = connect({ host: peer.sam.host, port: peer.sam.port, noDelay: true })
  for (const line of [
    'HELLO VERSION MIN=3.0 MAX=3.1\n',
    `STREAM CONNECT ID=${session} DESTINATION=${destination} SILENT=false\n`,
  ]) {
    socket.write(line)
    await once(socket, 'data')
  }
  return socket
}

/** MiB/s: medians of rounds, which alternate in which side comes first. */
async function throughput({ echo }: I2pPeer): Promise<readonly Line[]> {
  const ways = [async () => dial(overlay.route, { host: echo, port: 80 }), async () => rawSocket(echo)]
  const rates = ways.map(() => new Array<number>())
  for (let round = 0; round < streamRounds; round += 1) {
    const inTurn = [...ways.entries()]
    if (round % 2 === 1) inTurn.reverse()
    for (const [index, way] of inTurn) rates[index]?.push(await thereAndBack(await way()))
  }
  const [figure = Number.NaN, floor = Number.NaN] = rates.map(median)
  const target = { text: '≥ 0.95', met: figure / floor >= 0.95 }
  return [
    { what: 'through the overlay', figure, unit: 'MiB/s', peer: { name: 'a raw SAM socket', figure: floor }, target },
  ]
}

async function thereAndBack(socket: Socket): Promise<number> {
  const began = performance.now()
  let back = 0
  const all = new Promise<void>((resolve) => {
    socket
      .on('error', () => undefined)
      .on('data', (chunk) => {
        back += chunk.length
        if (back >= streamBytes) resolve()
      })
  })
  const chunk = Buffer.alloc(64 * 1024)
  for (let sent = 0; sent < streamBytes; sent += chunk.length) if (!socket.write(chunk)) await once(socket, 'drain')
  await all
  socket.destroy()
  return streamBytes / 1024 / 1024 / ((performance.now() - began) / 1000)
}

/** How many connections get a reply, with FORWARD as in the driver and with a pool of ACCEPTs. */
async function arrivals(): Promise<readonly Line[]> {
  const listener = await accept(place.listenGrant)
  const serve = async () => {
    for await (const { socket } of listener.connections) socket.on('error', () => undefined).pipe(socket)
  }
  void serve()
  const me = /VALUE=(\S+)/.exec(await pool.ask('NAMING LOOKUP NAME=ME'))?.[1] ?? ''
  for (let n = 0; n < waitingAccepts; n += 1) void acceptForEver()
  const forwarded = await answered(overlay, place.listenGrant.address.host)
  const accepted = await answered(overlay, me)
  await listener[Symbol.asyncDispose]()
  await place[Symbol.asyncDispose]()
  const peerOf = (figure: number) => ({ name: `${waitingAccepts} ACCEPTs that wait`, figure })
  return [
    { what: 'answered', figure: forwarded.count, unit: '', peer: peerOf(accepted.count) },
    { what: 'until the last of those', figure: forwarded.last, unit: 'ms', peer: peerOf(accepted.last) },
  ]
}

async function answered({ route }: Overlay, host: string): Promise<{ readonly count: number; readonly last: number }> {
  const began = performance.now()
  const times = await Promise.all(
    Array.from({ length: atOnce }, async () => {
      const socket = await dial(route, { host, port: 80 })
      socket.on('error', () => undefined).write('x')
      const back = once(socket, 'data', { signal: AbortSignal.timeout(patience) }).then(
        () => performance.now() - began,
        () => Number.NaN,
      )
      const closed = once(socket, 'close').then(() => Number.NaN)
      return Promise.race([back, closed]).finally(() => socket.destroy())
    }),
  )
  const found = times.filter((time) => !Number.isNaN(time))
  return { count: found.length, last: Math.max(...found) }
}

async function acceptForEver(): Promise<void> {
  for (;;) {
    const socket = connect({ host: peer.sam.host, port: peer.sam.port, noDelay: true }).on('error', () => undefined)
    for (const line of ['HELLO VERSION MIN=3.0 MAX=3.1\n', 'STREAM ACCEPT ID=pool SILENT=false\n']) {
      socket.write(line)
      await once(socket, 'data')
    }
    // The first line is the visitor's name and possibly options: it is dropped, and the rest is echoed.
    await once(socket, 'data')
    socket.write('x')
    socket.pipe(socket)
  }
}
