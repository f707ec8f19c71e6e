import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import net, { type LookupFunction, type Server, type Socket } from 'node:net'
import tls, { type TLSSocket } from 'node:tls'
import { currentFrame, emptyFrame, fork, runInFrame } from '@troupe/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { portOf } from './testing/forwarding-proxy.ts'
import { installGuard } from './install.ts'
import { a, b, eventOf, inNetwork, type Lab, listening, startLab } from './testing/lab.ts'
import { overlayChanged } from './pools/connection-key.ts'

const pem = (name: string) => readFileSync(new URL(`fixtures/tls/${name}`, import.meta.url), 'utf8')
const ca = pem('ca.pem')
const certificate = { cert: pem('server.pem'), key: pem('server.key') }
/** The address from which each network connects. */
const exits = [
  [a, '127.0.0.2'],
  [b, '127.0.0.3'],
  [null, '127.0.0.1'],
] as const

/** The reply of the servers: the client, and its port. */
interface Seen {
  readonly peer: string
  readonly port: number
}
const tell = ({ socket }: { socket: Socket }, response: { end: (text: string) => void }) =>
  response.end(JSON.stringify({ peer: socket.remoteAddress, port: socket.remotePort }))
const plain = http.createServer(tell)
const secure = https.createServer(certificate, tell)
const second = http2.createSecureServer(certificate)
second.on('stream', (stream) => {
  const { remoteAddress: peer, remotePort: port } = stream.session?.socket ?? {}
  stream.end(JSON.stringify({ peer, port }))
})
const echoes = tls.createServer({ ...certificate, ALPNProtocols: ['one', 'two'] }, (socket) => {
  socket.on('error', () => {})
  socket.end(JSON.stringify({ server: socket.servername, alpn: socket.alpnProtocol, reused: socket.isSessionReused() }))
})
const servers: Server[] = [plain, secure, second, echoes]
let lab: Lab

beforeAll(async () => {
  await Promise.all(servers.map(listening))
  installGuard()
  lab = await startLab()
})
afterAll(async () => {
  plain.closeAllConnections()
  secure.closeAllConnections()
  for (const server of servers) server.close()
  await lab[Symbol.asyncDispose]()
})

async function bodyOf(stream: AsyncIterable<Buffer | string> | Iterable<string>): Promise<Seen> {
  let text = ''
  for await (const chunk of stream) text += String(chunk)
  return parsed(text)
}

/** Parses the reply of the servers above. */
function parsed(text: string): Seen
function parsed(text: string): unknown {
  const value: unknown = JSON.parse(text)
  return value
}

async function turn(times = 1): Promise<void> {
  for (let time = 0; time < times; time++) await new Promise(setImmediate)
}

async function get(request: http.ClientRequest): Promise<Seen> {
  const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>()
  request.on('response', resolve).on('error', reject).end()
  const seen = await bodyOf(await promise)
  // The agent pools the connection in a later turn.
  await new Promise(setImmediate)
  return seen
}

const thisMachine: LookupFunction = (_name, { all }, done) => {
  if (all === true) done(null, [{ address: '127.0.0.1', family: 4 }])
  else done(null, '127.0.0.1', 4)
}

const agent = new http.Agent({ keepAlive: true })
const secureAgent = new https.Agent({ keepAlive: true, ca })

/** Actors on whose behalf connections were opened. */
const openers: unknown[] = []

class Recording extends http.Agent {
  override createConnection(
    ...args: Parameters<http.Agent['createConnection']>
  ): ReturnType<http.Agent['createConnection']> {
    openers.push(currentFrame()?.actor?.id)
    return super.createConnection(...args)
  }
}

/** Like agents that are built on `agent-base`: it connects in a later turn, by its own method. */
class Roundabout extends http.Agent {
  createSocket(request: unknown, options: unknown, done: unknown): void {
    openers.push(currentFrame()?.actor?.id)
    const original: unknown = Reflect.get(http.Agent.prototype, 'createSocket')
    if (typeof original === 'function')
      queueMicrotask(() => void Reflect.apply(original, this, [request, options, done]))
  }
}

const clients: Record<string, () => Promise<Seen>> = {
  'http.request with an agent': async () => get(http.request({ host: '127.0.0.1', port: portOf(plain), agent })),
  'the global agent': async () => get(http.request(`http://localhost:${portOf(plain)}`)),
  'https.request with an agent': async () =>
    get(https.request({ host: 'localhost', port: portOf(secure), agent: secureAgent })),
  fetch: async () => {
    const { body } = await fetch(`http://127.0.0.1:${portOf(plain)}`)
    const seen = await bodyOf(body?.pipeThrough(new TextDecoderStream()) ?? [])
    await new Promise(setImmediate)
    return seen
  },
}

describe.each(Object.entries(clients))('%s', (_name, client) => {
  it.each(exits)('keeps a connection in %s', async (network, exit) => {
    // Whatever a frame contains.
    const frames = [undefined, emptyFrame, fork(emptyFrame, { overlay: network === a ? b : a })]
    const seen = await inNetwork(network, async () => {
      const all: Seen[] = []
      for (const frame of frames) all.push(await (frame === undefined ? client() : runInFrame(frame, client)))
      return all
    })
    expect(new Set(seen.map(({ peer }) => peer))).toEqual(new Set([exit]))
    expect(new Set(seen.map(({ port }) => port)).size).toBe(1)
    // This process is one thread; only these tests run several networks in it.
    await forget()
  })

  it('opens another when the overlay is rebuilt', async () => {
    await inNetwork(a, async () => {
      const before = await client()
      expect(await client()).toEqual(before)
      overlayChanged(a)
      const after = await client()
      expect(after.port).not.toBe(before.port)
      expect(await client()).toEqual(after)
    })
    await forget()
  })

  it('opens another for another actor in the clear network, with its policies', async () => {
    await inNetwork(null, async () => {
      const carol = fork(emptyFrame, { actor: { id: 'carol', meta: {} } })
      const before = await client()
      expect(await runInFrame(carol, client)).toEqual(before)
      // From now on a check applies to connections that carol opens; existing ones belong to no actor.
      lab.governed = true
      const hers = await runInFrame(carol, client)
      expect(hers.port).not.toBe(before.port)
      expect(await runInFrame(carol, client)).toEqual(hers)
      expect((await client()).port).not.toBe(hers.port)
    })
    await forget()
  })
})

/** Ends the pooled connections. */
async function forget(): Promise<void> {
  lab.governed = false
  for (const each of [agent, secureAgent, http.globalAgent]) each.destroy()
  plain.closeAllConnections()
  secure.closeAllConnections()
  await turn(10)
}

const one = { keepAlive: true, maxSockets: 1, maxTotalSockets: 1 }

it.each([
  ['an agent', new Recording(one)],
  ['an agent with a createSocket of its own', new Roundabout(one)],
])('%s with room for one checks each connection for the actor that waited for it', async (_name, narrow) => {
  openers.length = 0
  const ask = async () =>
    get(http.request({ host: '127.0.0.1', port: portOf(plain), agent: narrow, headers: { connection: 'close' } }))
  const actors = ['ann', 'bob', 'carol']
  lab.governed = true
  await inNetwork(null, async () => {
    await Promise.all(actors.map(async (id) => runInFrame(fork(emptyFrame, { actor: { id, meta: {} } }), ask)))
  })
  expect(openers).toEqual(actors)
})

it('a WebSocket goes through the overlay', async () => {
  const upgraded = new Promise<http.IncomingMessage>((resolve) => plain.once('upgrade', resolve))
  await inNetwork(a, async () => {
    const socket = new WebSocket(`ws://web.test:${portOf(plain)}`)
    socket.addEventListener('error', () => {})
    const request = await upgraded
    expect(request.socket.remoteAddress).toBe('127.0.0.2')
    request.socket.destroy()
  })
})

it('an http2 session goes through the overlay', async () => {
  await inNetwork(a, async () => {
    const session = http2.connect(`https://localhost:${portOf(second)}`, { ca })
    for (let round = 0; round < 2; round++)
      expect((await bodyOf(session.request({ ':path': '/' }))).peer).toBe('127.0.0.2')
    session.close()
  })
})

describe('TLS in an overlay equals TLS in the clear network', () => {
  const options = () => ({
    port: portOf(echoes),
    host: '127.0.0.1',
    servername: 'localhost',
    ca,
    ALPNProtocols: ['two'],
  })
  const networks = [null, a]

  async function reply(socket: TLSSocket): Promise<unknown> {
    return bodyOf(socket)
  }

  it.each(networks)('server name, ALPN, the order of events (%s)', async (network) => {
    await inNetwork(network, async () => {
      const events: string[] = []
      const socket = tls.connect(options())
      for (const name of ['connect', 'ready', 'secureConnect', 'end', 'close']) socket.on(name, () => events.push(name))
      const closed = once(socket, 'close')
      expect(await reply(socket)).toEqual({ server: 'localhost', alpn: 'two', reused: false })
      await closed
      expect(events).toEqual(['connect', 'ready', 'secureConnect', 'end', 'close'])
      expect(socket.authorized).toBe(true)
    })
  })

  it.each(networks)('resumption (%s)', async (network) => {
    await inNetwork(network, async () => {
      const first = tls.connect(options())
      const established = new Promise<Buffer>((resolve) => first.once('session', resolve))
      await reply(first)
      const session = await established
      expect(await reply(tls.connect({ ...options(), session }))).toMatchObject({ reused: true })
    })
  })

  it.each(networks)('a certificate of another host (%s)', async (network) => {
    await inNetwork(network, async () => {
      const socket = tls.connect({ ...options(), servername: 'other.example' })
      expect(await eventOf(socket, 'error')).toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
    })
  })

  it.each(networks)('TLS over a socket that connects itself (%s)', async (network) => {
    await inNetwork(network, async () => {
      const { port, host, ...rest } = options()
      const socket = net.connect(port, host)
      expect(await reply(tls.connect({ ...rest, socket }))).toMatchObject({ server: 'localhost' })
    })
  })

  it.each(networks)('checks the requested host, over a socket that connects itself (%s)', async (network) => {
    await inNetwork(network, async () => {
      const over = (host: string) => tls.connect({ socket: net.connect({ port: portOf(echoes), host, ...here }), ca })
      // In the clear network the operating system would have to resolve the name.
      const here = network === null ? { lookup: thisMachine } : {}
      expect(await reply(over('secure.test'))).toMatchObject({ server: false })
      expect(await eventOf(over('other.test'), 'error')).toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
      const connected = net.connect({ port: portOf(echoes), host: 'other.test', ...here })
      await once(connected, 'connect')
      expect(await eventOf(tls.connect({ socket: connected, ca }), 'error')).toMatchObject({
        code: 'ERR_TLS_CERT_ALTNAME_INVALID',
      })
    })
  })

  it('checks an address, and the name behind a stand-in address', async () => {
    await inNetwork(a, async () => {
      const dns = await import('node:dns')
      const over = (host: string) => tls.connect({ socket: net.connect(portOf(echoes), host), ca })
      const checked: string[] = []
      const checkServerIdentity = (host: string) => void checked.push(host)
      await reply(tls.connect({ socket: net.connect(portOf(echoes), '127.0.0.1'), ca, checkServerIdentity }))
      expect(checked).toEqual(['127.0.0.1'])
      for (const [name, good] of [
        ['secure.test', true],
        ['other.test', false],
      ] as const) {
        const { address } = await dns.promises.lookup(name)
        if (good) expect(await reply(over(address))).toMatchObject({ server: false })
        else expect(await eventOf(over(address), 'error')).toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
      }
    })
  })

  it('a target that refuses', async () => {
    await inNetwork(a, async () => {
      const socket = tls.connect({ ...options(), host: 'refused.test' })
      expect(await eventOf(socket, 'error')).toMatchObject({ code: 'ECONNREFUSED', kind: 'Unavailable' })
    })
  })
})
