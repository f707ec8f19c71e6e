import childProcess, { spawnSync } from 'node:child_process'
import dgram from 'node:dgram'
import dns from 'node:dns'
import { once } from 'node:events'
import inspector from 'node:inspector'
import Module, { isBuiltin } from 'node:module'
import net from 'node:net'
import { devNull } from 'node:os'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dial } from '../dial/dial.ts'
import { rebindThreadNetwork } from '../overlay/thread-network.ts'
import { isFakeAddress } from './dns/fake-addresses.ts'
import { installGuard } from './install.ts'
import { a, b, matching, containing, eventOf, inNetwork, type Lab, listening, startLab } from './testing/lab.ts'

/** What bypassed an overlay: connections from this machine's own address, and datagrams. */
let acceptQueue = 0
const server = net.createServer((socket) => {
  if (socket.remoteAddress === '127.0.0.1') acceptQueue += 1
  socket.on('error', () => socket.destroy()).end('HTTP/1.1 204 \r\nconnection: close\r\n\r\n')
})
const datagrams = dgram.createSocket('udp4', (message, from) => {
  acceptQueue += 1
  datagrams.send(message, from.port, from.address)
})
let lab: Lab
let port = 0
let udpPort = 0
/** The descriptor of the server above: sockets have one, though the types do not show it. */
let descriptor = 0
// Made before there is a guard, like that of a library that was imported early.
const resolver = new dns.Resolver({ timeout: 20, tries: 1 })
const promised = new dns.promises.Resolver({ timeout: 20, tries: 1 })
const capturedConnect = net.Socket.prototype.connect
const capturedSend = dgram.Socket.prototype.send
const capturedListen = net.Server.prototype.listen

beforeAll(async () => {
  port = await listening(server)
  await once(datagrams.bind(0, '127.0.0.1'), 'listening')
  udpPort = datagrams.address().port
  for (const each of [resolver, promised]) each.setServers([`127.0.0.1:${udpPort}`])
  descriptor = Number(Reflect.get(Object(Reflect.get(server, '_handle')), 'fd'))
  lab = await startLab()
})
afterAll(async () => {
  server.close()
  datagrams.close()
  await lab[Symbol.asyncDispose]()
})

type Ways = Readonly<Record<string, () => Promise<unknown>>>

/** Ways that send something to the server above. */
const sends: Ways = {
  'dgram.send': async () => withUdp(async (socket) => sent((done) => socket.send('x', udpPort, '127.0.0.1', done))),
  'dgram.connect': async () =>
    withUdp(async (socket) => {
      await sent((done) => socket.connect(udpPort, '127.0.0.1', done))
      await sent((done) => socket.send('x', done))
    }),
  'Resolver.resolve4': async () => promisify(resolver.resolve4.bind(resolver))('leak.test'),
  'promises.Resolver.resolve4': async () => promised.resolve4('leak.test'),
}
/** Calls that bypass the replacements of Node's functions: they end at the native handles. */
const around: Ways = {
  'a captured connect': async () => {
    const socket = new net.Socket()
    Reflect.apply(capturedConnect, socket, [{ port, host: '127.0.0.1' }])
    await connected(socket)
  },
  'a captured send': async () =>
    withUdp(async (socket) =>
      sent((done) => void Reflect.apply(capturedSend, socket, ['x', udpPort, '127.0.0.1', done])),
    ),
}
/** Ways that need no server. */
const others: Ways = {
  'dgram.bind': async () => withUdp(async (socket) => once(socket.bind(0, '127.0.0.1'), 'listening')),
  'dns.lookupService': async () => promisify(dns.lookupService)('127.0.0.1', 80),
  'child_process.spawn': async () =>
    once(childProcess.spawn(process.execPath, ['--version'], { stdio: 'ignore' }), 'exit'),
  'child_process.exec': async () => promisify(childProcess.exec)('true'),
  'child_process.execFile': async () => promisify(childProcess.execFile)('true'),
  'spawnSync, imported by name': async () => spawnSync('true'),
  'ChildProcess.spawn': async () => spawnByHand('true'),
  Worker: async () => new Worker('', { eval: true }).terminate(),
  'net.Server.listen': async () => {
    const listener = net.createServer()
    await listening(listener)
    listener.close()
  },
  'a Unix socket': async () => connected(net.connect('/nonexistent/troupe.sock')),
}
/** It is deprecated, and still there. */
function callRegister(): unknown {
  const register: unknown = Reflect.get(Module, 'register')
  return typeof register === 'function' ? Reflect.apply(register, Module, ['data:text/javascript,']) : undefined
}
/** Calls that would change this process permanently if they were not refused. */
const drastic: Ways = {
  'inspector.open': async () => inspector.open(0, '127.0.0.1'),
  'inspector.Session.connectToMainThread': async () => new inspector.Session().connectToMainThread(),
  'module.register': async () => callRegister(),
  // Only Node 26 has it.
  ...(isBuiltin('node:ffi') && { 'node:ffi': async () => openLibrary() }),
  'process.binding': async () => callProcess('binding', 'tcp_wrap'),
  'process.dlopen': async () => callProcess('dlopen', { exports: {} }, devNull),
  'a foreign descriptor': async () => new net.Socket({ fd: descriptor }),
  'a list of forbidden addresses': async () =>
    connected(net.connect({ port, host: 'web.test', blockList: new net.BlockList() })),
}

/** Calls a method of `process` that the types do not have, or no longer have. */
function callProcess(name: string, ...args: readonly unknown[]): unknown {
  const method: unknown = Reflect.get(process, name)
  return typeof method === 'function' ? Reflect.apply(method, process, args) : undefined
}

/** The C library, if code can load it. */
function openLibrary(): unknown {
  const open: unknown = Reflect.get(Object(process.getBuiltinModule('node:ffi')), 'dlopen')
  return typeof open === 'function' ? Reflect.apply(open, undefined, ['libc.so.6', {}]) : undefined
}

/** Like `node:cluster`, and like code that saved `child_process.spawn` earlier. */
function spawnByHand(file: string): void {
  const spawn: unknown = Reflect.get(childProcess.ChildProcess.prototype, 'spawn')
  if (typeof spawn === 'function') Reflect.apply(spawn, new childProcess.ChildProcess(), [{ file, args: [file] }])
}

async function connected(socket: net.Socket): Promise<void> {
  try {
    await once(socket, 'connect')
  } finally {
    socket.destroy()
  }
}

async function sent(start: (done: (error?: Error | null) => void) => void): Promise<void> {
  await new Promise<void>((resolve, reject) => start((error) => (error ? reject(error) : resolve())))
}

async function withUdp(use: (socket: dgram.Socket) => Promise<unknown>): Promise<void> {
  const socket = dgram.createSocket('udp4')
  const failed = new Promise<never>((_resolve, reject) => socket.once('error', reject))
  failed.catch(() => {})
  try {
    await Promise.race([use(socket), failed])
  } finally {
    socket.close()
  }
}

/** Returns the error of `way`. */
async function attempt(way: () => Promise<unknown>): Promise<unknown> {
  try {
    await way()
    return undefined
  } catch (error) {
    return error
  }
}

async function expectArrival(network: typeof a | null, way: () => Promise<unknown>): Promise<void> {
  const before = acceptQueue
  await inNetwork(network, async () => attempt(way))
  await expect.poll(() => acceptQueue).toBeGreaterThan(before)
}

describe('without the guard', () => {
  it.each(Object.entries({ ...sends, ...around }))('%s leaks out of an overlay', async (_name, way) => {
    await expectArrival(a, way)
  })
})

describe('with the guard', () => {
  beforeAll(() => {
    installGuard()
    installGuard()
  })

  it.each(Object.entries({ ...sends, ...others, ...drastic }))('%s is refused in an overlay', async (_name, way) => {
    const before = acceptQueue
    const error = await inNetwork(a, async () => attempt(way))
    expect(error).toMatchObject({
      kind: 'PermissionDenied',
      code: 'EOVERLAY',
      retryable: false,
      details: { overlay: a },
    })
    expect(String(error)).toMatch(/ is refused in overlay app:a: .+/)
    expect(acceptQueue).toBe(before)
  })

  it.each(Object.entries(around))('%s is refused by the native handle', async (_name, way) => {
    const before = acceptQueue
    expect(await inNetwork(a, async () => attempt(way))).toMatchObject({ code: matching(/^(EACCES|EOVERLAY)$/) })
    expect(acceptQueue).toBe(before)
  })

  it('a captured listen is refused by the native handle', async () => {
    const listener = net.createServer()
    const failed = await inNetwork(a, async () => {
      const error = eventOf(listener, 'error')
      Reflect.apply(capturedListen, listener, [0, '127.0.0.1'])
      return error
    })
    expect(failed).toMatchObject({ code: 'EACCES' })
  })

  it.each(Object.entries({ ...sends, ...around }))('%s is unchanged in the clear network', async (_name, way) => {
    await expectArrival(null, way)
  })
  it.each(Object.entries(others).slice(0, -1))('%s works in the clear network', async (_name, way) => {
    expect(await inNetwork(null, async () => attempt(way))).toBeUndefined()
  })

  it('opens nothing in a thread without a network', async () => {
    rebindThreadNetwork(undefined)
    const ways: Ways = { ...sends, ...others, 'net.connect': async () => connected(net.connect(port, '127.0.0.1')) }
    for (const way of Object.values(ways)) {
      expect(await attempt(way)).toMatchObject({
        kind: 'PermissionDenied',
        code: 'EUNBOUND',
        message: containing('no network yet'),
      })
    }
    expect(await attempt(async () => dns.promises.lookup('leak.test'))).toMatchObject({ code: 'EUNBOUND' })
    expect(await attempt(async () => promisify(dns.lookup)('leak.test'))).toMatchObject({ code: 'EUNBOUND' })
    for (const way of Object.values(around))
      expect(await attempt(way)).toMatchObject({ code: matching(/^(EACCES|EUNBOUND)$/) })
    rebindThreadNetwork({ overlay: null })
  })

  it('allows the guard’s own dials, once', async () => {
    const route = lab.routes.get(a)
    if (route === undefined) throw new Error('the lab has no overlay a')
    await inNetwork(b, async () => {
      const socket = await dial(route, { host: 'web.test', port })
      // User code cannot connect a socket elsewhere.
      const before = acceptQueue
      socket.destroy()
      await once(socket, 'close')
      Reflect.apply(capturedConnect, socket, [{ port, host: '127.0.0.1' }])
      expect(await eventOf(socket, 'error')).toMatchObject({ code: 'EACCES' })
      expect(acceptQueue).toBe(before)
    })
  })

  it('resolves a name to an address that leads to that name in any overlay, and nowhere in the clear', async () => {
    const { address, family } = await inNetwork(a, async () => dns.promises.lookup('web.test'))
    expect([isFakeAddress(address), family]).toEqual([true, 4])
    const all = await inNetwork(a, async () => promisify(dns.lookup)('web.test', { all: true, family: 6 }))
    expect(all).toEqual([{ address: `::ffff:${address}`, family: 6 }])
    expect(await inNetwork(a, async () => promisify(dns.lookup)('127.0.0.1'))).toEqual({
      address: '127.0.0.1',
      family: 4,
    })
    for (const host of [address, `::ffff:${address}`]) {
      await inNetwork(a, async () => connected(net.connect(port, host)))
      expect(lab.asked.get(a)?.at(-1)).toBe(`web.test:${port}`)
    }
    expect(await inNetwork(null, async () => attempt(async () => connected(net.connect(port, address))))).toMatchObject(
      {
        code: 'EOVERLAY',
        message: containing('looked up in an overlay'),
      },
    )
  })

  it('keeps name and length of the functions', () => {
    expect([dns.lookup.name, dns.lookup.length, net.Socket.prototype.connect.length]).toEqual(['lookup', 3, 0])
    expect(net.Socket.prototype).toHaveProperty('connect', new net.Socket().connect)
    expect(Worker.name).toBe('Worker')
  })
})
