/**
 * A router with default settings (SAM in one thread) that dies under load and comes back: sessions are rebuilt with
 * their keys, and listeners keep their addresses.
 */
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { entryId, TroupeError } from '@troupe/core'
import { dial, listenOn, type Overlay } from '@troupe/network'
import { afterAll, expect, it } from 'vitest'
import { startRouter, samPort } from '../peers/i2pd.ts'
import { address } from '../peers/loopback.ts'
import { echoed } from './echoed.ts'
import { I2pOverlays, stateFolder } from './i2p-fixture.ts'

const host = address(18)
const fields = { host, port: samPort, first_byte_timeout: '5s' }
const stack = new AsyncDisposableStack()
afterAll(async () => stack.disposeAsync())

/** A server in `app:<name>` that sends back what it receives, and its address. */
async function echoIn(name: string): Promise<{ server: Server; at: string }> {
  const server = createServer((socket) => socket.on('error', () => socket.destroy()).pipe(socket))
  listenOn(server, entryId(`app:${name}`), { port: 80 })
  await once(server, 'listening')
  const bound = server.address()
  return { server, at: typeof bound === 'object' && bound ? bound.address : '' }
}

/** One connection and its echo; or the kind of its error. */
async function attempt({ route }: Overlay, at: string, timeout: number): Promise<string> {
  try {
    const socket = await dial(route, { host: at, port: 80 }, { timeout })
    return String(
      await echoed(
        socket.on('error', () => undefined),
        Buffer.from('there'),
      ),
    )
  } catch (error) {
    return error instanceof TroupeError
      ? error.kind
      : error instanceof Error && 'code' in error
        ? String(error.code)
        : String(error)
  }
}

it('is survived: open connections fail, dials wait or fail, and then everything works again', async () => {
  const folder = await stateFolder(stack)
  await using routers = new AsyncDisposableStack()
  routers.use(await startRouter(folder, host, true))
  const states = [await stateFolder(stack), await stateFolder(stack)] as const
  const world = stack.use(new I2pOverlays(states[0]))
  const former = new I2pOverlays(states[1])
  await Promise.all([world.add('site', fields), former.add('closed', fields)])
  const visitor = await world.add('visitor', fields)
  world.provide(former)
  const [site, closed] = await Promise.all([echoIn('site'), echoIn('closed'), visitor.check?.()])
  stack.defer(() => void site.server.close())
  expect([await attempt(visitor, site.at, 20_000), await attempt(visitor, closed.at, 20_000)]).toEqual([
    'there',
    'there',
  ])
  // The second application ends, and comes back when the router has.
  closed.server.close()
  await former[Symbol.asyncDispose]()

  const held = await dial(visitor.route, { host: site.at, port: 80 })
  const broken = new Promise((resolve) => held.on('error', () => undefined).on('close', resolve))
  const load = { over: false, seen: new Set<string>() }
  const clients = Array.from({ length: 8 }, async () => {
    while (!load.over) load.seen.add(await attempt(visitor, site.at, 2000))
  })
  process.kill(Number(await readFile(join(folder, 'i2pd.pid'), 'utf8')), 'SIGKILL')
  await broken
  // While the router is down, dials wait for as long as they may.
  await expect.poll(() => [...load.seen]).toContain('Timeout')
  routers.use(await startRouter(folder, host, true))
  const again = stack.use(new I2pOverlays(states[1]))
  const other = await again.add('closed', fields)
  world.provide(again)
  const later = echoIn('closed')
  await Promise.all([visitor.check?.(), other.check?.(), later])
  await expect.poll(async () => attempt(visitor, site.at, 10_000), { timeout: 120_000 }).toBe('there')
  load.over = true
  await Promise.all(clients)
  expect((await later).at).toBe(closed.at)
  await expect.poll(async () => attempt(visitor, closed.at, 10_000), { timeout: 120_000 }).toBe('there')
  ;(await later).server.close()
  // The error of a broken stream depends on the moment; a dial has only these.
  for (const end of load.seen)
    expect(['there', '', 'Timeout', 'Unavailable', 'ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE']).toContain(end)
  expect(world.log.filter((line) => line === `overlay app:site is reached at ${site.at}`)).toHaveLength(2)
})
