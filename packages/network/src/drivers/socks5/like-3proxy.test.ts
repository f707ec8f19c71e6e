/** Through a proxy with the habits of 3proxy. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { entryId } from '@troupe/core'
import { expect, it, onTestFinished, vi } from 'vitest'
import { associate, dial, resolve } from '../../dial/dial.ts'
import { checkProxies } from './check-proxies.ts'
import { type Habits, hosts, like3proxy } from './testing/like-3proxy.ts'
import { failure, login, route, target } from './testing/sample.ts'
import { ScriptedProxy } from './testing/scripted-proxy.ts'

const patience = { timeout: 120_000 }
const headerOfIpv4 = 10

async function proxyOf(habits: Habits): Promise<ScriptedProxy> {
  const proxy = await ScriptedProxy.start(like3proxy(habits))
  onTestFinished(async () => proxy[Symbol.asyncDispose]())
  return proxy
}

/** A server that greets, and echoes what it receives. */
async function serverPort(onEnd?: (socket: Socket) => void): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined).write('220 ready\n')
    socket.on('data', (chunk) => socket.write(chunk)).on('end', () => onEnd?.(socket) ?? socket.end())
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void server.close())
  const address = server.address()
  return typeof address === 'object' && address ? address.port : 0
}

function hearing(socket: Socket) {
  const heard: string[] = []
  socket.on('error', (error) => heard.push(error.message)).on('data', (chunk) => heard.push(String(chunk)))
  return () => heard.join('')
}

it.each([false, true])(
  'carries a connection with a login, in one write or step by step (optimistic: %s)',
  async (optimistic) => {
    const proxy = await proxyOf({ login, server: await serverPort() })
    const socket = await dial(route(proxy, { login, optimistic }), target, patience)
    const heard = hearing(socket)
    socket.write('hello')
    await vi.waitFor(() => expect(heard()).toBe('220 ready\nhello'), patience)
    socket.destroy()
  },
)

it('says that a wrong login may be the reason, where it is refused with the request (3proxy/3proxy#802)', async () => {
  const proxy = await proxyOf({ login })
  const wrong = { ...login, password: 'wrong' }
  const error = await failure(dial(route(proxy, { login: wrong }), target, patience))
  expect(error).toMatchObject({ kind: 'Unavailable', details: { stage: 'request', replyCode: 2 } })
  expect(error.message).toContain('some proxies refuse a wrong username or password only here')
  expect(error.message).not.toContain('wrong"')
  // The greeting alone shows nothing; a target does.
  const config = { proxies: [{ host: '127.0.0.1', port: proxy.port, login: wrong }] }
  const { signal } = new AbortController()
  const id = entryId('app:proxy')
  expect(await checkProxies(id, config, undefined, signal)).toEqual({ state: 'up' })
  await expect(checkProxies(id, config, target, signal)).rejects.toMatchObject({ details: { replyCode: 2 } })
})

it('says that a login is needed, although a reply to no request follows', async () => {
  const proxy = await proxyOf({ login })
  const error = await failure(dial(route(proxy), target, patience))
  expect(error).toMatchObject({ kind: 'Unavailable', details: { stage: 'greeting', method: 255 } })
})

it.each([
  ['a target that its rules deny', { host: hosts.denied, port: 80 }, 'Unavailable', 2],
  ['a target that refuses', { host: hosts.refused, port: 80 }, 'Unavailable', 5],
  ['an IPv6 address, with -4', { host: '2001:db8::1', port: 80 }, 'Invalid', 7],
])('reports %s', async (_what, host, kind, replyCode) => {
  const proxy = await proxyOf({ ipv4Only: true })
  expect(await failure(dial(route(proxy), host, patience))).toMatchObject({ kind, details: { replyCode } })
})

it('cannot tell of an unknown name: it is a success, and the end (3proxy/3proxy#1059)', async () => {
  const proxy = await proxyOf({})
  const socket = await dial(route(proxy), { host: hosts.unknown, port: 80 }, patience)
  const ended = once(socket, 'end')
  const heard = hearing(socket)
  await ended
  expect(heard()).toBe('')
})

it('has both directions end with one, after what came before', async () => {
  const ends: Socket[] = []
  const proxy = await proxyOf({ server: await serverPort((socket) => void ends.push(socket)) })
  const socket = await dial(route(proxy), target, patience)
  const heard = hearing(socket)
  await vi.waitFor(() => expect(heard()).toBe('220 ready\n'), patience)
  const closed = once(socket, 'close')
  socket.end('bye')
  await closed
  // The server did not end its direction; the proxy did.
  await vi.waitFor(() => expect(ends).toHaveLength(1), patience)
})

it('looks no names up', async () => {
  const proxy = await proxyOf({})
  await expect(resolve(route(proxy), 'example.org', patience)).rejects.toMatchObject({
    kind: 'Invalid',
    details: { replyCode: 7 },
  })
})

it.each([
  ['an empty datagram', Buffer.alloc(0), '192.0.2.7'],
  ['a datagram to an unknown name', Buffer.from('hello'), hosts.unknown],
])('ends an association at %s, and the association says so', async (_what, data, host) => {
  const relay = createSocket('udp4')
  await once(relay.bind(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void relay.close())
  const proxy = await proxyOf({
    relay: relay.address().port,
    onAssociation: (control) =>
      void relay.on('message', (packet) => {
        const isUnwanted = packet.length <= headerOfIpv4 || packet.includes(hosts.unknown)
        if (isUnwanted) control.destroy()
      }),
  })
  using association = await associate(route(proxy), patience)
  const over = once(association, 'close')
  await association.send(data, { host, port: 53 })
  expect(await over).toMatchObject([{ kind: 'Unavailable' }])
  await expect(association.send(Buffer.from('more'), { host, port: 53 })).rejects.toMatchObject({
    kind: 'Unavailable',
  })
})
