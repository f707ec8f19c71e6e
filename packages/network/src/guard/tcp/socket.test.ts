import { once } from 'node:events'
import net from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { route } from '../../drivers/socks5/testing/sample.ts'
import { installGuard } from '../install.ts'
import {
  a,
  b,
  containing,
  eventOf,
  eventsOf,
  inNetwork,
  type Lab,
  listening,
  startLab,
  textOf,
} from '../testing/lab.ts'

/** Sends the address of the client, then echoes its input. */
const server = net.createServer({ allowHalfOpen: true }, (socket) => {
  peers.push(socket.remoteAddress ?? '')
  socket.on('error', () => socket.destroy())
  socket.on('end', () => socket.end('bye'))
  socket.on('data', (data) => socket.write(data))
})
const banner = net.createServer((socket) => socket.on('error', () => {}).end('welcome, all of you'))
const peers: string[] = []
let lab: Lab
let port = 0
let bannerPort = 0
/** Nothing listens there: the system assigns no port below its ephemeral range. */
const closedPort = 2

beforeAll(async () => {
  port = await listening(server)
  bannerPort = await listening(banner)
  installGuard()
  lab = await startLab()
})
afterAll(async () => {
  server.close()
  banner.close()
  await lab[Symbol.asyncDispose]()
})

const worlds = { plain: null, overlay: a } as const

/** Runs the same in the clear network and in an overlay. */
async function inBoth<T>(use: (host: string) => Promise<T>): Promise<{ plain: T; overlay: T }> {
  const plain = await inNetwork(worlds.plain, async () => use('127.0.0.1'))
  const overlay = await inNetwork(worlds.overlay, async () => use('127.0.0.1'))
  return { plain, overlay }
}

async function expectParity<T>(use: (host: string) => Promise<T>): Promise<T> {
  const { plain, overlay } = await inBoth(use)
  expect(overlay).toEqual(plain)
  return overlay
}

it('uses each overlay’s route, and sends names as names', async () => {
  const before = peers.length
  for (const network of [a, b]) {
    await inNetwork(network, async () => {
      const socket = net.connect(port, 'web.test')
      await once(socket, 'connect')
      expect(socket.remotePort).toBe(port)
      socket.destroy()
    })
    expect(lab.asked.get(network)).toContain(`web.test:${port}`)
  }
  await inNetwork(null, async () => {
    const socket = net.connect(port, '127.0.0.1')
    await once(socket, 'connect')
    socket.destroy()
  })
  expect(peers.slice(before)).toEqual(['127.0.0.2', '127.0.0.3', '127.0.0.1'])
})

describe('a socket in an overlay behaves as a plain socket', () => {
  it('the order of events, and half-closing', async () => {
    const seen = await expectParity(async (host) => {
      const socket = net.connect({ host, port })
      const states = [socket.connecting, socket.pending, socket.readyState]
      const events = eventsOf(socket)
      socket.write('one ')
      socket.end('two')
      return { states, text: await textOf(socket), events: await events, after: [socket.connecting, socket.readyState] }
    })
    expect(seen).toMatchObject({
      text: 'one twobye',
      events: ['connectionAttempt', 'connect', 'ready', 'end', 'close'],
    })
  })

  it('its remote address', async () => {
    await expectParity(async (host) => {
      const socket = net.connect({ host, port, noDelay: true, keepAlive: true })
      await once(socket, 'connect')
      const ends = [socket.remoteAddress, socket.remoteFamily, socket.remotePort, typeof socket.localPort]
      socket.destroy()
      return ends
    })
  })

  it('the first bytes of the server, also to a reader that comes late', async () => {
    const text = await expectParity(async (host) => {
      const socket = net.connect(bannerPort, host)
      await once(socket, 'connect')
      await new Promise(setImmediate)
      return textOf(socket)
    })
    expect(text).toBe('welcome, all of you')
  })

  it('a buffer of the reader', async () => {
    const pieces = await inBoth(async (host) => {
      let text = ''
      const callback = (length: number, buffer: Uint8Array) => {
        text += Buffer.from(buffer.subarray(0, length)).toString()
        return true
      }
      const socket = net.connect({ port: bannerPort, host, onread: { buffer: Buffer.alloc(4), callback } })
      await once(socket, 'close')
      return text
    })
    expect(pieces).toEqual({ plain: 'welcome, all of you', overlay: 'welcome, all of you' })
  })

  it('a reader’s own buffer that is withdrawn for a while', async () => {
    const { overlay } = await inBoth(async (host) => {
      let text = ''
      let pauses = 0
      const socket = net.connect({
        port: bannerPort,
        host,
        onread: {
          buffer: Buffer.alloc(4),
          callback: (length, buffer) => {
            text += Buffer.from(buffer.subarray(0, length)).toString()
            pauses += 1
            setImmediate(() => socket.resume())
            return false
          },
        },
      })
      await once(socket, 'close')
      return { text, paused: pauses > 2 }
    })
    expect(overlay).toEqual({ text: 'welcome, all of you', paused: true })
  })

  it('back-pressure', async () => {
    await expectParity(async (host) => {
      const socket = net.connect({ host, port })
      await once(socket, 'connect')
      const chunk = Buffer.alloc(1 << 20, 'x')
      let sent = 0
      while (socket.write(chunk)) sent += chunk.length
      const read = textOf(socket)
      await once(socket, 'drain')
      socket.end()
      return { held: sent < 1 << 24, complete: (await read).length === sent + chunk.length + 3 }
    })
  })

  it('destroy while it connects', async () => {
    const events = await expectParity(async (host) => {
      const socket = net.connect(port, host)
      const seen = eventsOf(socket)
      socket.destroy()
      return seen
    })
    expect(events).toEqual(['close'])
  })

  it('an abort while it connects', async () => {
    const aborted = async (options: { lookup?: net.LookupFunction }) => {
      const controller = new AbortController()
      const socket = net.connect({ port, host: 'silent.test', signal: controller.signal, ...options })
      const seen = eventsOf(socket)
      await new Promise(setImmediate)
      controller.abort()
      return seen
    }
    expect(await inNetwork(a, async () => aborted({}))).toEqual([
      'lookup',
      'connectionAttempt',
      'error ABORT_ERR',
      'close',
    ])
    const { plain, overlay } = await inBoth(async () => aborted({ lookup: () => undefined }))
    expect([plain, overlay]).toEqual([
      ['error ABORT_ERR', 'close'],
      ['error ABORT_ERR', 'close'],
    ])
  })

  it('a timeout while it connects', async () => {
    await inNetwork(a, async () => {
      const socket = net.connect({ port, host: 'silent.test', timeout: 20 })
      await once(socket, 'timeout')
      expect(socket.connecting).toBe(true)
      socket.destroy()
    })
  })

  it('a target that refuses', async () => {
    const events = await expectParity(async (host) => eventsOf(net.connect(closedPort, host)))
    expect(events).toEqual(['connectionAttempt', 'error ECONNREFUSED', 'close'])
  })

  it('an invalid port', async () => {
    await expectParity(async (host) => {
      await Promise.resolve()
      try {
        net.connect(70_000, host)
        return 'no error'
      } catch (error) {
        return String(error)
      }
    })
  })

  it('a second connection of one socket', async () => {
    await expectParity(async (host) => {
      const socket = new net.Socket()
      for (let life = 0; life < 2; life++) {
        socket.connect(port, host)
        await once(socket, 'connect')
        socket.destroy()
        await once(socket, 'close')
      }
      socket.connect(port, host)
      socket.write('again')
      const data = await eventOf(socket, 'data')
      socket.destroy()
      return String(data)
    })
  })

  it('a second connection that begins before the close of the first', async () => {
    const again = async (host: string, wait: boolean) => {
      const socket = net.connect(port, host)
      if (wait) await once(socket, 'connect')
      socket.destroy()
      socket.connect(port, host)
      const events = [...(await eventsOf(socket, 'ready'))]
      socket.write('again')
      const data = String(await eventOf(socket, 'data'))
      const far = socket.remotePort
      socket.destroy()
      return { events, data, far }
    }
    const seen = await expectParity(async (host) => again(host, true))
    expect(seen).toMatchObject({ data: 'again', far: port })
    // A plain socket that was never connected ends with EALREADY.
    const asked = lab.asked.get(a)?.length ?? 0
    expect(await inNetwork(a, async () => again('127.0.0.1', false))).toMatchObject({ data: 'again' })
    expect(lab.asked.get(a)?.length).toBe(asked + 1)
  })

  it('errors thrown by listeners stay with the listeners', async () => {
    await inNetwork(a, async () => {
      const socket = net.connect(port, '127.0.0.1')
      const { promise, resolve } = Promise.withResolvers<unknown>()
      const listeners = process.listeners('uncaughtException')
      process.removeAllListeners('uncaughtException')
      process.once('uncaughtException', resolve)
      const errors: unknown[] = []
      socket.on('error', (error) => errors.push(error))
      socket.once('connect', () => {
        throw new Error('mine')
      })
      expect(await promise).toMatchObject({ message: 'mine' })
      for (const listener of listeners) process.on('uncaughtException', listener)
      expect(errors).toEqual([])
      socket.destroy()
    })
  })
})

it('does not resolve here, and refuses a local address or port', async () => {
  for (const own of [{ localAddress: '127.0.0.9' }, { localPort: 40_404 }]) {
    const refused = { kind: 'PermissionDenied', code: 'EOVERLAY', message: containing(`a ${Object.keys(own)[0]}`) }
    expect(await failing(a, { host: 'web.test', port, ...own })).toMatchObject(refused)
  }
  for (const own of [{}, { localAddress: '0.0.0.0', localPort: 0 }, { localAddress: '::' }]) {
    await inNetwork(a, async () => {
      const socket = net.connect({ host: 'web.test', port, ...own })
      await once(socket, 'connect')
      socket.destroy()
    })
    expect(peers.at(-1)).toBe('127.0.0.2')
  }
})

it('reports errors with the fields of connect(2) and its own message', async () => {
  const error = await failing(a, { port: 80, host: 'refused.test' })
  expect(error).toMatchObject({
    kind: 'Unavailable',
    code: 'ECONNREFUSED',
    syscall: 'connect',
    address: 'refused.test',
    port: 80,
  })
  expect(error).toHaveProperty('message', containing('app:a'))
})

it('fails closed without a route or a proxy', async () => {
  const known = lab.routes.get(b)
  lab.routes.delete(b)
  expect(await failing(b, { port, host: '127.0.0.1' })).toMatchObject({ kind: 'NotFound', code: 'EOVERLAY' })
  lab.routes.set(b, { ...route({ port: closedPort }), overlay: b })
  expect(await failing(b, { port, host: '127.0.0.1' })).toMatchObject({ kind: 'Unavailable', code: 'ECONNREFUSED' })
  if (known) lab.routes.set(b, known)
})

async function failing(network: typeof a, options: net.NetConnectOpts): Promise<unknown> {
  return inNetwork(network, async () => {
    const { promise, resolve } = Promise.withResolvers<unknown>()
    net.connect(options).on('error', resolve)
    return promise
  })
}
