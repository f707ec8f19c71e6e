/**
 * Uses of I2P by applications, on a real router: servers and clients of unmodified libraries, threads, datagrams, a
 * permanent address.
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer as createHttpServer, type IncomingMessage } from 'node:http'
import { connect as connectHttp2, createSecureServer } from 'node:http2'
import { request as httpsRequest } from 'node:https'
import type { Server } from 'node:net'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { connect as connectTls } from 'node:tls'
import { Worker } from 'node:worker_threads'
import { entryId } from '@troupe/core'
import {
  type Association,
  associate,
  dial,
  installGuard,
  type Overlay,
  peerOf,
  resolve,
  type Target,
} from '@troupe/network'
import { inNetwork, rebindThreadNetwork } from '@troupe/network/kernel'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { WebSocketServer, WebSocket as Ws } from 'ws'
import { address32 } from '../peers/sam-lines.ts'
import { httpOver } from './http-over.ts'
import type { DialerTask } from './i2p-dialer.ts'
import { I2pOverlays, stateFolder } from './i2p-fixture.ts'

const { i2p } = inject('peers')
const [siteId, secureId, visitorId] = [entryId('app:site'), entryId('app:secure'), entryId('app:visitor')]
const fixture = (file: string) => readFileSync(join(import.meta.dirname, '../guard/fixtures', file), 'utf8')
const [key, cert, ca] = [fixture('server.key'), fixture('server.pem'), fixture('ca.pem')]
const stack = new AsyncDisposableStack()
let world: I2pOverlays
let visitor: Overlay
let state = ''
let plain = ''
let secure = ''
let me = ''
let associations: readonly Association[] = []
let servers: readonly Server[] = []

/** The client, as a Node server sees it. */
const seen = ({ socket, url }: Pick<IncomingMessage, 'socket' | 'url'>) => ({
  url,
  remote: socket.remoteAddress,
  local: socket.localAddress,
  peer: peerOf(socket)?.destination,
})

beforeAll(async () => {
  installGuard()
  rebindThreadNetwork({ overlay: null })
  state = await stateFolder(stack)
  world = stack.use(new I2pOverlays(state))
  world.provide()
  const overlays = await Promise.all(['site', 'secure', 'visitor'].map(async (name) => world.add(name, { ...i2p.sam })))
  visitor = overlays[2] ?? world.overlays.get(visitorId)

  const web = createHttpServer((request, response) => response.end(JSON.stringify(seen(request))))
  const websockets = new WebSocketServer({ server: web })
  websockets.on('connection', (socket, request) => socket.send(JSON.stringify(seen(request))))
  const tls = createSecureServer({ key, cert, allowHTTP1: true }, (request, response) => {
    response.end(
      JSON.stringify({ version: request.httpVersion, ...seen({ socket: request.socket, url: request.url }) }),
    )
  })
  // All sessions concurrently, because each takes 20 s.
  inNetwork(siteId, () => web.listen(80))
  inNetwork(secureId, () => tls.listen(443))
  const opened = [web, tls].map(async (server) => once(server, 'listening'))
  const sent = Promise.all([visitor, visitor].map(async ({ route }) => associate(route, { timeout: 60_000 })))
  await Promise.all([...opened, sent, ...overlays.map(async (overlay) => overlay.check?.())])
  associations = await sent
  for (const association of associations) stack.defer(() => association.close())
  servers = [web, tls]
  plain = (await world.overlays.status(siteId))?.name ?? ''
  secure = (await world.overlays.status(secureId))?.name ?? ''
  me = (await visitor.status?.())?.addresses?.[0] ?? ''
})
afterAll(async () => stack.disposeAsync())

const here = (url: string, local: string) => ({
  url,
  remote: me,
  local,
  peer: expect.stringMatching(/^[\w~-]{500,}=*$/) as string,
})

describe('over I2P', () => {
  it('200 connections of 4 threads share one session', async () => {
    const words = Array.from({ length: 200 }, (_, number) => `connection ${number}`)
    const dialled = [0, 1, 2, 3].map(async (quarter) => {
      const task: DialerTask = {
        route: visitor.route,
        host: i2p.echo,
        words: words.slice(quarter * 50, quarter * 50 + 50),
      }
      const worker = new Worker(new URL('./i2p-dialer.ts', import.meta.url), { workerData: task })
      const heard = await new Promise<unknown>((done, fail) => worker.once('message', done).once('error', fail))
      await worker.terminate()
      return heard
    })
    expect((await Promise.all(dialled)).flat()).toEqual(words)
  })

  it('fetch, WebSocket, ws, https and http2 reach servers, which get the peer', async () => {
    await inNetwork(visitorId, async () => {
      for (const path of ['/a', '/b'])
        expect(await (await fetch(`http://${plain}${path}`)).json()).toEqual(here(path, plain))

      const websocket = new WebSocket(`ws://${plain}/ws`)
      const message = await new Promise((resolve, reject) => {
        websocket.addEventListener('message', ({ data }) => resolve(JSON.parse(String(data))))
        websocket.addEventListener('error', reject)
      })
      expect(message).toEqual(here('/ws', plain))
      websocket.close()

      const ws = new Ws(`ws://${plain}/ws2`)
      const said = await new Promise((resolve, reject) =>
        ws.on('message', (data: Buffer) => resolve(JSON.parse(data.toString()))).on('error', reject),
      )
      expect(said).toEqual(here('/ws2', plain))
      ws.close()

      const options = { ca, checkServerIdentity: () => undefined }
      const response = await new Promise<IncomingMessage>((done, fail) => {
        httpsRequest(`https://${secure}/c`, { ...options, agent: false }, done)
          .on('error', fail)
          .end()
      })
      expect(await json(response)).toEqual({ version: '1.1', ...here('/c', secure) })

      const session = connectHttp2(`https://${secure}`, options)
      const streams = ['/d', '/e', '/f'].map(async (path) => json(session.request({ ':path': path })))
      expect(await Promise.all(streams)).toEqual(
        ['/d', '/e', '/f'].map((path) => ({ version: '2.0', ...here(path, secure) })),
      )
      session.close()
    })
  })

  it('HTTP and TLS work over a dialled socket', async () => {
    expect(await httpOver(await dial(visitor.route, { host: plain, port: 80 }), '/raw')).toEqual(here('/raw', plain))
    const socket = connectTls({
      socket: await dial(visitor.route, { host: secure, port: 443 }),
      ca,
      checkServerIdentity: () => undefined,
    })
    expect(await httpOver(socket, '/raw')).toEqual({ version: '1.1', ...here('/raw', secure) })
  })

  it('names outside I2P are refused, and not looked up elsewhere', async () => {
    await inNetwork(visitorId, async () => {
      for (const url of ['http://example.org/', 'http://127.0.0.1/', 'http://[::1]/', 'http://localhost/'])
        await expect(fetch(url)).rejects.toMatchObject({ cause: { kind: 'Invalid', code: 'EOVERLAY' } })
    })
  })

  it('datagrams arrive, in both directions', async () => {
    const [first, second] = associations
    if (!first || !second) throw new Error('there are no associations')
    const arrived = new Promise<readonly [string, Target]>((done) =>
      second.on('message', (data, from) => done([String(data), from])),
    )
    const { address } = second
    if (!address) throw new Error('it has no address')
    const [data, from] = await again(arrived, async () => first.send(Buffer.from('hello'), address))
    expect([data, from]).toEqual(['hello', first.address])
    const answered = new Promise<string>((done) => first.on('message', (answer) => done(String(answer))))
    expect(await again(answered, async () => second.send(Buffer.alloc(20_000, 'x'), from))).toHaveLength(20_000)
  })

  it('names are looked up by the router, and destinations have their address', async () => {
    expect(await resolve(visitor.route, i2p.echoDestination)).toEqual([{ address: i2p.echo, family: 0 }])
    expect(address32(i2p.echoDestination)).toBe(i2p.echo)
    await expect(resolve(visitor.route, 'nowhere.i2p')).rejects.toMatchObject({
      kind: 'Unavailable',
      details: { replyCode: 'INVALID_KEY' },
    })
  })

  it('a destination is one address, and its key has one user', async () => {
    await expect(world.overlays.get(siteId).bind({ port: 81 })).rejects.toMatchObject({ kind: 'AlreadyExists' })
    await using other = new I2pOverlays(state)
    const twin = await other.add('site', { ...i2p.sam })
    await expect(twin.bind({ port: 80 })).rejects.toMatchObject({
      kind: 'AlreadyExists',
      message: expect.stringContaining('in use') as string,
    })
  })

  it('an address is stable: it is known as soon as the application is restarted', async () => {
    for (const server of servers) server.close()
    await world[Symbol.asyncDispose]()
    await using later = new I2pOverlays(state)
    const site = await later.add('site', { ...i2p.sam })
    const bound = site.bind({ port: 80 })
    // A restarted router would show that it is reachable there again: this one keeps the old path to it for minutes.
    bound.catch(() => undefined)
    await expect.poll(async () => (await site.status?.())?.name).toBe(plain)
  })
})

/** Sends until it has arrived, because datagrams may be lost. */
async function again<T>(arrived: Promise<T>, send: () => Promise<void>): Promise<T> {
  const repeat = setInterval(() => void send(), 500)
  await send()
  return arrived.finally(() => clearInterval(repeat))
}
