/** Faults in other SOCKS5 clients from public reports, reproduced here. */
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished, vi } from 'vitest'
import { associate, dial } from '../../dial/dial.ts'
import { encodeHost, methods } from './messages.ts'
import { defaultTimeouts } from './route.ts'
import { route } from './testing/sample.ts'
import { answering, readRequest, type Script, ScriptedProxy } from './testing/scripted-proxy.ts'

const greeting = Buffer.from([5, 0])
const target = { host: 'example.org', port: 80 }

async function proxyOf(script: Script): Promise<ScriptedProxy> {
  const proxy = await ScriptedProxy.start(script)
  onTestFinished(async () => proxy[Symbol.asyncDispose]())
  return proxy
}

it.each([
  // telegramdesktop/tdesktop#3574, curl/curl#3165
  ['no name at all', [3, 0]],
  // arvidn/libtorrent#8321
  ['a name of one letter', [3, 1, 97]],
  ['a name of two', [3, 2, 97, 98]],
  // nmap/nmap#2365
  ['a name', [3, 9, ...Buffer.from('localhost')]],
  // mike820324/socks5#16: Tor sends zeros.
  ['zeros', [1, 0, 0, 0, 0]],
  ['an IPv6 address', [4, ...Buffer.alloc(16, 1)]],
])('a success with the bound address %s is accepted, and the bytes after it are kept', async (_what, address) => {
  const reply = Buffer.from([5, 0, 0, ...address, 0, 80])
  // JoshGlazebrook/socks#25, zephyrproject-rtos/zephyr#117996: the target's first data arrives in the same packet.
  const proxy = await proxyOf(answering({ greeting, reply: Buffer.concat([reply, Buffer.from('220 ready')]) }))
  const socket = await dial(route(proxy), target, { timeout: 20_000 })
  await new Promise(setImmediate)
  let heard = ''
  socket.on('data', (chunk) => void (heard += String(chunk)))
  await vi.waitFor(() => expect(heard).toBe('220 ready'), { timeout: 120_000 })
  socket.destroy()
})

it.each(['::1', '2001:db8::1', '::ffff:192.0.2.1'])(
  '%s is sent as an address, and not as a name (hyperium/hyper-util#302)',
  (host) => {
    const [type, bytes] = encodeHost(host)
    expect([type, bytes.length]).toEqual([4, 16])
  },
)

it.each(['[::1]', '[2001:db8::1]', 'example.org\0'])(
  '%j is not a host, and nothing is sent to the proxy (LacticWhale/socks_dart#15)',
  async (host) => {
    const proxy = await proxyOf(answering({ greeting, reply: Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]) }))
    await expect(dial(route(proxy), { host, port: 80 })).rejects.toMatchObject({ kind: 'Invalid' })
    expect(proxy.heard).toEqual([])
  },
)

it('offers no login if the entry has none, because Tor would require it (JoshGlazebrook/socks#39)', async () => {
  const proxy = await proxyOf(answering({ greeting, reply: Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]) }))
  ;(await dial(route(proxy), target)).destroy()
  expect(Buffer.concat(proxy.heard).subarray(0, 3)).toEqual(Buffer.from([5, 1, methods.none]))
})

it('abandons a hung proxy at the timeout (TooTallNate/node-socks-proxy-agent#26, nodejs/undici#5733)', async () => {
  const proxy = await proxyOf(async (socket, read) => {
    await read((await read(2)).readUInt8(1))
    socket.write(greeting)
    await readRequest(read)
  })
  await expect(dial(route(proxy), target, { timeout: 200 })).rejects.toMatchObject({ kind: 'Timeout' })
  await proxy.deserted()
})

it('nothing continues after a failed dial (JoshGlazebrook/socks#1)', async () => {
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
  const proxy = await proxyOf(answering({ greeting, reply: Buffer.from([5, 5, 0, 1, 0, 0, 0, 0, 0, 0]) }))
  const before = timers()
  await expect(dial(route(proxy), target, { timeout: defaultTimeouts.handshake })).rejects.toMatchObject({
    kind: 'Unavailable',
  })
  await vi.waitFor(() => expect(timers()).toBeLessThanOrEqual(before))
})

it('reports an HTTP proxy at once, without a timeout (berstend, TooTallNate/node-socks-proxy-agent#26)', async () => {
  const server = createHttpServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  await expect(dial(route({ port }), target)).rejects.toMatchObject({
    kind: 'Unavailable',
    details: { stage: 'greeting' },
  })
})

it.each([
  ['127.0.0.1', 1],
  ['::1', 4],
])(
  'an association with a proxy at %s asks with zeros of that family (heiher/hev-socks5-tproxy#28)',
  async (host, family) => {
    const asked: number[] = []
    await using proxy = await ScriptedProxy.start(
      async (socket, read) => {
        await read(3)
        socket.write(greeting)
        const { addressType } = await readRequest(read)
        asked.push(addressType)
        const zeros = Buffer.alloc(family === 4 ? 16 : 4)
        socket.write(
          Buffer.concat([Buffer.from([5, addressType === family ? 0 : 8, 0, family]), zeros, Buffer.from([0, 80])]),
        )
      },
      undefined,
      host,
    )
    using association = await associate(route(proxy, { host }), { timeout: 20_000 })
    expect(association).toBeDefined()
    expect(asked).toEqual([family])
  },
)

// curl/curl#944: what follows the code of a refusal has no meaning, of whatever type and length it is.
it.each([
  ['an address', [1, 172, 16, 254, 1, 31, 144]],
  ['a name', [3, 9, ...Buffer.from('hostlocal'), 31, 144]],
  ['an address of IPv6', [4, ...Buffer.alloc(16, 7), 31, 144]],
  ['nothing', []],
])('a refusal with %s is reported by its code, with the requested target (curl/curl#944)', async (_what, rest) => {
  const proxy = await proxyOf(answering({ greeting, reply: Buffer.from([5, 4, 0, ...rest]) }))
  const error: unknown = await dial(route(proxy), target, { timeout: 20_000 }).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ details: { replyCode: 4, target: 'example.org:80' } })
  expect(String(error)).not.toMatch(/172\.16|hostlocal/)
})
