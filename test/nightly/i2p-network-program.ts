/**
 * Runs beside the routers of `i2p-network.ts`: an application that listens, is visited, ends, and is visited again at
 * the same address.
 */
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { mkdir } from 'node:fs/promises'
import { entryId } from '@troupe/core'
import { dial, listenOn, type Overlay } from '@troupe/network'
import { I2pOverlays } from '../overlays/i2p-fixture.ts'
import { echoed } from '../overlays/echoed.ts'

/** Milliseconds until a new address is reachable. */
const patience = 180_000
const [port = '', stateDir = ''] = process.argv.slice(2)
await mkdir(stateDir, { mode: 0o700 })
// Sets nothing about tunnels and lease sets: routers use their defaults.
const fields = { host: '127.0.0.1', port: Number(port), options: {}, first_byte_timeout: '15s' }
const began = performance.now()
const note = (text: string) => console.log(`${((performance.now() - began) / 1000).toFixed(1).padStart(6)} s  ${text}`)

const visitors = new I2pOverlays(stateDir)
const visitor = await visitors.add('visitor', fields)
const first = await serve()
note(`listens at ${first.at}`)
await visitor.check?.()
note('the visitor has a session')
await reached(visitor, first.at)
note('reached')
await many(visitor, first.at)
note('20 connections at once, and a MiB')
first.server.close()
await first.world[Symbol.asyncDispose]()
// A visitor from before keeps the old path for as long as its router keeps it, some minutes.
const another = visitors.add('another', fields)
const second = await serve()
note(`listens again, at ${second.at}`)
if (second.at !== first.at) throw new Error('the address is another one')
const guest = await another
await guest.check?.()
await reached(guest, second.at)
note('reached at the same address')
process.exit()

async function serve(): Promise<{ readonly world: I2pOverlays; readonly server: Server; readonly at: string }> {
  const world = new I2pOverlays(stateDir)
  await world.add('site', fields)
  world.provide(visitors)
  const server = createServer((socket) => socket.on('error', () => socket.destroy()).pipe(socket))
  listenOn(server, entryId('app:site'), { port: 80 })
  await once(server, 'listening')
  const bound = server.address()
  return { world, server, at: typeof bound === 'object' && bound ? bound.address : '' }
}

async function echo({ route }: Overlay, host: string, data: Buffer): Promise<boolean> {
  const socket = await dial(route, { host, port: 80 }, { timeout: 60_000 })
  return (
    await echoed(
      socket.on('error', () => undefined),
      data,
    )
  ).equals(data)
}

async function reached(from: Overlay, host: string): Promise<void> {
  const end = performance.now() + patience
  for (;;) {
    const found = await echo(from, host, Buffer.from('there')).catch((error: unknown) => error)
    if (found === true) return
    if (performance.now() > end) throw found
    note(`not yet: ${found instanceof Error ? found.message : String(found)}`)
  }
}

async function many(from: Overlay, host: string): Promise<void> {
  const words = Array.from({ length: 20 }, (_, number) => Buffer.from(`visitor ${number}`))
  const all = await Promise.all([...words, Buffer.alloc(1024 * 1024, 'x')].map(async (data) => echo(from, host, data)))
  if (all.includes(false)) throw new Error('something came back that was not sent')
}
