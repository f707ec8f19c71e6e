import { emptyFrame, entryId, fork, runInFrame } from '@troupe/core'
import childProcess, { spawnSync } from 'node:child_process'
import dgram from 'node:dgram'
import dns, { lookup } from 'node:dns'
import { once } from 'node:events'
import { get } from 'node:http'
import net, { type AddressInfo } from 'node:net'
import tls from 'node:tls'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { provideNetworkAccess } from '../access.ts'
import { dial } from '../dial.ts'
import { granted, greeting, route } from '../drivers/socks5/sample.ts'
import { answering, ScriptedProxy } from '../drivers/socks5/scripted-proxy.ts'
import { installGuard } from './refuse.ts'

const overlay = entryId('app:proxy')
const inside = fork(emptyFrame, { overlay })
const clear = fork(emptyFrame, { overlay: null })

/** What reached the world: connections and datagrams at a server that no overlay leads to. */
let arrivals = 0
const server = net.createServer((socket) => {
  arrivals += 1
  socket.on('error', () => socket.destroy()).end('HTTP/1.1 204 \r\nconnection: close\r\n\r\n')
})
const datagrams = dgram.createSocket('udp4', (message, from) => {
  arrivals += 1
  datagrams.send(message, from.port, from.address)
})
let port = 0
let udpPort = 0
// Made before there is a guard, as a library that was imported early would have.
const resolver = new dns.Resolver({ timeout: 20, tries: 1 })
const promised = new dns.promises.Resolver({ timeout: 20, tries: 1 })

beforeAll(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  await once(datagrams.bind(0, '127.0.0.1'), 'listening')
  port = (server.address() as AddressInfo).port
  udpPort = datagrams.address().port
  for (const each of [resolver, promised]) each.setServers([`127.0.0.1:${udpPort}`])
})
afterAll(() => {
  server.close()
  datagrams.close()
})

/** Each way out, as a promise that rejects when it is refused. Those that send do so to the server above. */
const connected = async (socket: net.Socket) => {
  try {
    await once(socket, 'connect')
  } finally {
    socket.destroy()
  }
}
const sends: Record<string, () => Promise<unknown>> = {
  'net.connect': async () => connected(net.connect(port, '127.0.0.1')),
  'net.connect with a name': async () => connected(net.connect(port, 'localhost')),
  'Socket.connect': async () => connected(new net.Socket().connect({ port, host: '127.0.0.1' })),
  'tls.connect': async () => connected(tls.connect(port, '127.0.0.1').on('error', () => {})),
  'http.get': async () => once(get(`http://127.0.0.1:${port}`), 'response'),
  fetch: async () => (await fetch(`http://127.0.0.1:${port}`)).status,
  'dgram.send': async () => withUdp(async (socket) => sent((done) => socket.send('x', udpPort, '127.0.0.1', done))),
  'dgram.connect': async () =>
    withUdp(async (socket) => {
      await sent((done) => socket.connect(udpPort, '127.0.0.1', done))
      await sent((done) => socket.send('x', done))
    }),
  'Resolver.resolve4': async () => promisify(resolver.resolve4.bind(resolver))('leak.test'),
  'promises.Resolver.resolve4': async () => promised.resolve4('leak.test'),
}
const others: Record<string, () => Promise<unknown>> = {
  'a Unix socket': async () => connected(net.connect('/nonexistent.sock')),
  'dgram.bind': async () => withUdp(async (socket) => once(socket.bind(0, '127.0.0.1'), 'listening')),
  'dns.lookup': async () => promisify(dns.lookup)('localhost'),
  'dns.lookup, imported by name': async () => promisify(lookup)('localhost'),
  'dns.promises.lookup': async () => dns.promises.lookup('localhost'),
  'dns.lookupService': async () => promisify(dns.lookupService)('127.0.0.1', 80),
  'child_process.spawn': async () => once(childProcess.spawn(process.execPath, ['--version'], { stdio: 'ignore' }), 'exit'),
  'child_process.exec': async () => promisify(childProcess.exec)('true'),
  'child_process.execFile': async () => promisify(childProcess.execFile)('true'),
  'spawnSync, imported by name': async () => spawnSync('true'),
  'ChildProcess.spawn': async () => spawnByHand('true'),
  Worker: async () => new Worker('', { eval: true }).terminate(),
}

/** As `node:cluster` does, and whoever keeps `child_process.spawn` from before. */
function spawnByHand(file: string): void {
  const spawn: unknown = Reflect.get(childProcess.ChildProcess.prototype, 'spawn')
  if (typeof spawn === 'function') Reflect.apply(spawn, new childProcess.ChildProcess(), [{ file, args: [file] }])
}

async function sent(start: (done: (error?: Error | null) => void) => void): Promise<void> {
  await new Promise<void>((resolve, reject) => start((error) => (error ? reject(error) : resolve())))
}

async function withUdp(use: (socket: dgram.Socket) => Promise<unknown>): Promise<void> {
  const socket = dgram.createSocket('udp4')
  try {
    await use(socket)
  } finally {
    socket.close()
  }
}

/** Runs `way` in `frame`, and what it ended with. */
async function attempt(frame: typeof inside, way: () => Promise<unknown>): Promise<unknown> {
  return runInFrame(frame, async () => {
    try {
      await way()
      return undefined
    } catch (error) {
      return error instanceof TypeError && error.cause ? error.cause : error
    }
  })
}

async function expectArrival(way: () => Promise<unknown>, frame: typeof inside): Promise<void> {
  const before = arrivals
  await attempt(frame, way)
  await expect.poll(() => arrivals).toBeGreaterThan(before)
}

describe('without the guard', () => {
  it.each(Object.entries(sends))('%s leaks out of an overlay', async (_name, way) => {
    await expectArrival(way, inside)
  })
})

describe('with the guard', () => {
  beforeAll(() => {
    installGuard()
    installGuard()
  })

  it.each([...Object.entries(sends), ...Object.entries(others)])('%s is refused in an overlay', async (_name, way) => {
    const before = arrivals
    const error = await attempt(inside, way)
    expect(error).toMatchObject({ kind: 'PermissionDenied', code: 'EOVERLAY', retryable: false, details: { overlay } })
    expect(String(error)).toMatch(/ is refused in overlay app:proxy: .*http\.get/)
    expect(arrivals).toBe(before)
  })

  it.each(Object.entries(sends))('%s is untouched where the clear network was chosen', async (_name, way) => {
    await expectArrival(way, clear)
  })
  it.each(Object.entries(sends))('%s is untouched where nothing was chosen', async (_name, way) => {
    await expectArrival(way, emptyFrame)
  })
  it.each(Object.entries(others).slice(1))('%s works in the clear', async (_name, way) => {
    expect(await attempt(clear, way)).toBeUndefined()
  })

  it('refuses by the application’s default where nothing was chosen', async () => {
    const access = { select: async () => {}, route: async () => Promise.reject(new Error('no')) }
    provideNetworkAccess({ ...access, defaultOverlay: entryId('app:tailnet') })
    expect(String(await attempt(emptyFrame, sends['net.connect'] ?? (async () => {})))).toContain('overlay app:tailnet')
    await expectArrival(sends['net.connect'] ?? (async () => {}), clear)
    provideNetworkAccess({ ...access, defaultOverlay: undefined })
  })

  it('lets our own dials through, once', async () => {
    await using proxy = await ScriptedProxy.start(answering({ greeting, reply: granted.ipv4 }))
    await runInFrame(inside, async () => {
      const socket = await dial(route(proxy, { host: 'localhost' }), { host: 'example.test', port: 80 })
      expect(socket.remotePort).toBe(proxy.port)
      socket.destroy()
      // A socket that was handed out cannot be turned elsewhere.
      const before = arrivals
      expect(() => socket.connect(port, '127.0.0.1')).toThrow(expect.objectContaining({ code: 'EOVERLAY' }))
      expect(arrivals).toBe(before)
    })
  })

  it('keeps what others see of the functions', () => {
    expect([dns.lookup.name, dns.lookup.length, net.Socket.prototype.connect.length]).toEqual(['lookup', 3, 0])
    expect(net.Socket.prototype).toHaveProperty('connect', new net.Socket().connect)
  })
})
