/** TLS sessions of libraries: they are resumed in an overlay, but not where that would link isolated connections. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import https from 'node:https'
import net from 'node:net'
import tls, { type TLSSocket } from 'node:tls'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { IsolationRule } from '../drivers/socks5/route.ts'
import { installGuard } from './install.ts'
import { a, inNetwork, type Lab, listening, startLab } from './testing/lab.ts'

const pem = (name: string) => readFileSync(new URL(`fixtures/tls/${name}`, import.meta.url), 'utf8')
const ca = pem('ca.pem')
const server = https.createServer({ cert: pem('server.pem'), key: pem('server.key') }, (request, response) => {
  const { socket } = request
  response.setHeader('connection', 'close').end(String(socket instanceof tls.TLSSocket && socket.isSessionReused()))
})
let port = 0
let lab: Lab

beforeAll(async () => {
  port = await listening(server)
  installGuard()
  lab = await startLab()
})
afterAll(async () => {
  server.close()
  await lab[Symbol.asyncDispose]()
})

/** Whether the server found a session resumed. */
async function isReused(socket: TLSSocket): Promise<boolean> {
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
  return (await text(socket)).endsWith('true')
}

async function isolating(rule: Omit<IsolationRule, 'form' | 'seed'> | undefined, run: () => Promise<void>) {
  const former = lab.routes.get(a)
  if (former === undefined) throw new Error('there is no route')
  const isolate = rule && { isolate: { ...rule, form: 'login', seed: 'seed' } }
  lab.routes.set(a, { ...former, config: { ...Object(former.config), ...isolate } })
  try {
    await inNetwork(a, run)
  } finally {
    lab.routes.set(a, former)
  }
}

const options = () => ({ port, host: '127.0.0.1', servername: 'localhost', ca })

it.each([
  ['nothing', undefined, true],
  ['each destination', { by: 'destination' as const }, true],
  ['each connection', { by: 'connection' as const }, false],
  ['each actor, in code without one', { by: 'actor' as const }, false],
])('are resumed as the overlay isolates: %s', async (_what, rule, reused) => {
  await isolating(rule, async () => {
    const first = tls.connect(options())
    const established = new Promise<Buffer>((resolve) => first.once('session', resolve))
    expect(await isReused(first)).toBe(false)
    const session = await established
    expect(await isReused(tls.connect({ ...options(), session }))).toBe(reused)
    const { host, servername } = options()
    const connected = net.connect(port, host)
    await once(connected, 'connect')
    expect(await isReused(tls.connect({ socket: connected, servername, ca, session }))).toBe(reused)
    // The handshake begins before it is known where the connection leads through.
    expect(await isReused(tls.connect({ socket: net.connect(port, host), servername, ca, session }))).toBe(false)
  })
})

it.each([
  [undefined, ['false', 'true']],
  [{ by: 'connection' as const }, ['false', 'false']],
])('of the agent of node:https, where %j is isolated', async (rule, seen) => {
  await isolating(rule, async () => {
    const agent = new https.Agent({ ca })
    const reply = async () => {
      const request = https.get({ ...options(), agent })
      const response = await new Promise<NodeJS.ReadableStream>((resolve) => request.once('response', resolve))
      return text(response)
    }
    expect([await reply(), await reply()]).toEqual(seen)
  })
})
