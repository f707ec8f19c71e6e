/** What is written before a connection stands, through a proxy that takes everything in one write. */
import { once } from 'node:events'
import { request } from 'node:http'
import { connect, Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { connect as connectTls } from 'node:tls'
import { beforeEach, expect, it, onTestFinished } from 'vitest'
import { provideNetworkAccess } from '../../dial/network-access.ts'
import type { Route } from '../../overlay/route.ts'
import { defaultTimeouts, type Socks5Route } from '../../drivers/socks5/route.ts'
import { closeSpares } from '../../drivers/socks5/spares.ts'
import { CountedProxy } from '../../drivers/socks5/testing/counted-proxy.ts'
import { granted, greeting, route } from '../../drivers/socks5/testing/sample.ts'
import { type Read, readRequest, type Script } from '../../drivers/socks5/testing/scripted-proxy.ts'
import { rebindThreadNetwork } from '../../overlay/thread-network.ts'
import { installGuard } from '../install.ts'

const patience = { timeout: 120_000 }
const refused = Buffer.from([5, 5, 0, 1, 0, 0, 0, 0, 0, 0])
const place = { host: 'example.test', port: 80 }
const handshakeBytes = 3 + 7 + place.host.length

let way: Route

beforeEach(() => {
  installGuard()
  provideNetworkAccess({ select: async () => {}, route: async () => Promise.resolve(way) })
  rebindThreadNetwork({ overlay: route({ port: 1 }).overlay })
  onTestFinished(() => rebindThreadNetwork({ overlay: null }))
})

/** Starts a proxy, which the thread's network leads through; connections to it are made in the clear. */
async function proxyOf(script: Script, config: Partial<Socks5Route> = {}): Promise<CountedProxy> {
  const proxy = await inTheClear(async () => CountedProxy.start(script))
  way = route(proxy, { optimistic: true, ...config })
  onTestFinished(async () => {
    closeSpares(way)
    await proxy[Symbol.asyncDispose]()
  })
  return proxy
}

async function inTheClear<T>(start: () => Promise<T>): Promise<T> {
  rebindThreadNetwork({ overlay: null })
  try {
    return await start()
  } finally {
    rebindThreadNetwork({ overlay: route({ port: 1 }).overlay })
  }
}

async function readHandshake(read: Read): Promise<void> {
  await read(3)
  await readRequest(read)
}

/** Reads the handshake and `count` bytes, and only then replies. */
const replyingAfter =
  (count: number, then: (socket: Socket, early: Buffer) => void = () => undefined): Script =>
  async (socket, read) => {
    await readHandshake(read)
    const early = await read(count)
    socket.write(Buffer.concat([greeting, granted.ipv4]))
    then(socket, early)
  }

it('is sent with the request, once, and the writes settle when the connection stands', async () => {
  const events: string[] = []
  const proxy = await proxyOf(replyingAfter(5, (socket) => socket.on('data', (data) => socket.end(data))))
  const socket = connect(place)
  socket.on('connect', () => events.push('connect'))
  socket.write('hello', () => {
    events.push('written')
    socket.write(' world')
  })
  const answer = text(socket)
  await once(socket, 'connect')
  expect(await answer).toBe(' world')
  expect(String(proxy.said(0).subarray(handshakeBytes))).toBe('hello')
  expect(events).toEqual(['connect', 'written'])
  expect(socket.bytesWritten).toBe(handshakeBytes + 'hello world'.length)
})

it.each([
  ['texts in encodings', [['é', 'latin1'] as const, ['00ff', 'hex'] as const], 'e900ff'],
  ['bytes', [[Buffer.from([1, 2]), undefined] as const, [Buffer.from([3]), undefined] as const], '010203'],
])('of several writes: %s', async (_what, writes, hex) => {
  let later = ''
  await proxyOf(async (socket, read) => {
    await readHandshake(read)
    const first = await read(writes[0]?.[1] === undefined ? 2 : 1)
    socket.write(Buffer.concat([greeting, granted.ipv4]))
    later = first.toString('hex')
    socket.on('data', (data) => (later += data.toString('hex'))).on('end', () => socket.end())
  })
  const socket = connect(place).resume()
  for (const [chunk, encoding] of writes) socket.write(chunk, encoding)
  socket.end()
  await once(socket, 'close')
  expect(later).toBe(hex)
})

it('and corked writes too', async () => {
  await proxyOf(replyingAfter(4, (socket, early) => socket.end(early)))
  const socket = connect(place)
  socket.cork()
  socket.write('ab')
  socket.write(Buffer.from('cd'))
  socket.uncork()
  expect(await text(socket)).toBe('abcd')
})

it('of a request of node:http', async () => {
  const proxy = await proxyOf(
    replyingAfter('POST / HTTP/1.1\r\n'.length, (socket) => {
      socket.resume().write('HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n')
    }),
  )
  const sent = request({ ...place, method: 'POST', agent: false }).end('body')
  const [response] = (await once(sent, 'response')) as [{ statusCode: number; resume(): void }]
  response.resume()
  expect(response.statusCode).toBe(204)
  expect(String(proxy.said(0).subarray(handshakeBytes))).toBe('POST / HTTP/1.1\r\n')
})

it('of TLS over a socket that waits: its first message', async () => {
  const tlsHandshake = 22
  let first: number | undefined
  await proxyOf(
    replyingAfter(1, (socket, early) => {
      first = early[0]
      socket.destroy()
    }),
  )
  const secure = connectTls({ socket: connect(place), servername: 'example.test' }).on('error', () => undefined)
  await new Promise((resolve) => secure.once('close', resolve))
  expect(first).toBe(tlsHandshake)
})

it('that failed without a reply fails as a write, and is not sent to another proxy', async () => {
  const script: Script = async (socket, read) => {
    await readHandshake(read)
    await read(5)
    socket.destroy()
  }
  const proxy = await proxyOf(script)
  const other = await inTheClear(async () => CountedProxy.start(script))
  onTestFinished(async () => other[Symbol.asyncDispose]())
  const proxies = [proxy, other].map(({ port }) => ({ host: '127.0.0.1', port }))
  way = { ...way, config: { proxies, optimistic: true } satisfies Socks5Route }
  const socket = connect(place)
  const written = new Promise((resolve) => socket.write('hello', resolve))
  const [error] = (await once(socket, 'error')) as [unknown]
  expect(error).toMatchObject({ kind: 'Unavailable', code: 'ECONNRESET', syscall: 'write', address: place.host })
  expect(await written).toBeInstanceOf(Error)
  expect([proxy.came, other.came]).toEqual([1, 0])
})

it('that was sent before a timeout fails as a write too', async () => {
  await proxyOf(
    async (_socket, read) => {
      await readHandshake(read)
      await read(5)
    },
    { timeouts: { ...defaultTimeouts, firstByte: 100 } },
  )
  const socket = connect(place)
  socket.write('hello')
  const [error] = (await once(socket, 'error')) as [unknown]
  expect(error).toMatchObject({ kind: 'Timeout', code: 'ECONNRESET', syscall: 'write' })
})

it('that was refused is reported with the code of the proxy', async () => {
  await proxyOf(async (socket, read) => {
    await readHandshake(read)
    await read(5)
    socket.end(Buffer.concat([greeting, refused]))
  })
  const socket = connect(place)
  socket.write('hello')
  const [error] = (await once(socket, 'error')) as [unknown]
  expect(error).toMatchObject({ code: 'ECONNREFUSED', syscall: 'connect', details: { replyCode: 5 } })
})

it.each([
  ['where the proxy takes one message at a time', 5, { optimistic: false }],
  ['where it is more than 16 KiB', 20_000, { optimistic: true }],
])('waits for the connection %s', async (_what, count, config) => {
  let waited: boolean | undefined
  await proxyOf(async (socket, read) => {
    await read(3)
    if (!config.optimistic) socket.write(greeting)
    await readRequest(read)
    await new Promise(setImmediate)
    waited = socket.readableLength === 0
    socket.write(config.optimistic ? Buffer.concat([greeting, granted.ipv4]) : granted.ipv4)
    await read(count)
    socket.end('ok')
  }, config)
  const socket = connect(place)
  socket.write(Buffer.alloc(count, 1))
  expect(await text(socket)).toBe('ok')
  expect(waited).toBe(true)
})

it('uses no spare, on which the dial could not start again', async () => {
  const proxy = await proxyOf(
    replyingAfter(5, (socket) => socket.end('ok')),
    { spares: 1 },
  )
  const say = async () => {
    const socket = connect(place)
    socket.write('hello')
    return text(socket)
  }
  expect(await say()).toBe('ok')
  await expect.poll(() => proxy.counts, patience).toEqual([1, 2])
  expect(await say()).toBe('ok')
  expect(proxy.said(1)).toHaveLength(0)
  expect(String(proxy.said(2).subarray(handshakeBytes))).toBe('hello')
})

it('does not keep a dial from a spare where the proxy takes one message at a time', async () => {
  const proxy = await proxyOf(
    async (socket, read) => {
      await read(3)
      socket.write(greeting)
      await readRequest(read)
      socket.write(granted.ipv4)
      socket.end(await read(5))
    },
    { spares: 1, optimistic: false },
  )
  const say = async () => {
    const socket = connect(place)
    socket.write('hello')
    return text(socket)
  }
  expect(await say()).toBe('hello')
  await expect.poll(() => proxy.said(1), patience).toEqual(Buffer.from([5, 1, 0]))
  // The reply to the greeting arrives.
  for (let n = 0; n < 5; n += 1) await new Promise(setImmediate)
  expect(await say()).toBe('hello')
  expect(String(proxy.said(1).subarray(handshakeBytes))).toBe('hello')
})

it('a socket that is destroyed and connected again writes as the new one', async () => {
  const proxy = await proxyOf(replyingAfter(3, (socket, early) => socket.end(early)))
  const socket = new Socket()
  socket.connect(place)
  await once(socket.destroy(), 'close')
  socket.connect(place)
  socket.write('new')
  expect(await text(socket)).toBe('new')
  expect(String(proxy.said(proxy.came - 1).subarray(handshakeBytes))).toBe('new')
})

it('a socket that connects again as soon as it is closed sends the same text again', async () => {
  const proxy = await proxyOf(async (socket, read) => {
    const number = proxy.came
    await readHandshake(read)
    const early = await read(5)
    if (number === 1) return
    socket.write(Buffer.concat([greeting, granted.ipv4]))
    socket.end(early)
  })
  const socket = connect(place)
  socket.write('hello', () => undefined)
  await expect.poll(() => String(proxy.said(0).subarray(handshakeBytes)), patience).toBe('hello')
  const answer = new Promise((resolve) =>
    socket.once('close', () => {
      // Node would repeat the first write.
      socket.removeAllListeners('connect').connect(place)
      socket.write('hello')
      resolve(text(socket))
    }),
  )
  socket.destroy()
  expect(await answer).toBe('hello')
})
