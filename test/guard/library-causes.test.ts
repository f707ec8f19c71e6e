/** The innermost cause of a library's error in an overlay is the overlay's own error, whichever limit expired first. */
import { once } from 'node:events'
import http from 'node:http'
import { createServer, type Socket } from 'node:net'
import { TroupeError, entryId } from '@troupe/core'
import { bindThreadNetwork, installGuard, provideNetworkAccess, type Route } from '@troupe/network'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Library } from './cause-libraries.ts'
import { socks5Route } from '../overlays/socks5-fixture.ts'

const overlay = entryId('app:causes')
let refusing: Route
let hanging: Route
let route: Route
let library: Readonly<Record<string, Library>>
/** The requests to the refusing proxy, and the waiting clients of the other. */
const asked: Buffer[] = []
const hung = new Set<Socket>()
const stack = new AsyncDisposableStack()

beforeAll(async () => {
  const [refusal, silence] = await Promise.all([
    startProxy((socket, request) => {
      asked.push(request)
      socket.end(Buffer.from([5, 4, 0, 1, 0, 0, 0, 0, 0, 0]))
    }),
    startProxy((socket) => {
      hung.add(socket)
      socket.on('close', () => hung.delete(socket))
    }),
  ])
  refusing = await socks5Route('causes', { host: '127.0.0.1', port: refusal })
  hanging = await socks5Route('causes', { host: '127.0.0.1', port: silence, handshake_timeout: '14s' })
  installGuard()
  provideNetworkAccess({ select: async () => {}, route: async () => Promise.resolve(route) })
  bindThreadNetwork({ overlay })
  // After the guard, as user code is.
  library = (await import('./cause-libraries.ts')).library
})
afterAll(async () => stack.disposeAsync())

/** A proxy that greets, and then follows its callback for each request; returns its port. */
async function startProxy(onRequest: (socket: Socket, request: Buffer) => void): Promise<number> {
  const server = createServer((socket) => {
    socket
      .on('error', () => socket.destroy())
      .once('data', () => {
        socket.write(Buffer.from([5, 0]))
        socket.once('data', (request: Buffer) => onRequest(socket, request))
      })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  stack.defer(() => void server.close())
  const address = server.address()
  return typeof address === 'object' && address ? address.port : 0
}

/** The first error of an overlay in a chain of causes. */
function ofOverlay(thrown: unknown): TroupeError | undefined {
  for (let error = thrown; error instanceof Error; error = error.cause) if (error instanceof TroupeError) return error
  return undefined
}

async function thrownBy(name: string, limit?: number): Promise<unknown> {
  const use = library[name]
  if (use === undefined) throw new Error(`there is no ${name}`)
  return use(limit).then(
    () => undefined,
    (error: unknown) => error,
  )
}

const all = [
  'undici Agent',
  'undici Agent by TLS',
  'undici fetch',
  'undici Pool',
  'pg.Client',
  'pg.Pool',
  'ws',
  'axios',
  'got',
]

describe.each(all)('%s', (name) => {
  it('reports the reply of the proxy about the target', async () => {
    route = refusing
    expect(ofOverlay(await thrownBy(name))).toMatchObject({
      kind: 'Unavailable',
      retryable: true,
      details: { overlay, replyCode: 4, reply: 'host unreachable' },
    })
  })
})

it('node-fetch, which keeps no causes, has the overlay’s message in its own', async () => {
  route = refusing
  expect(await thrownBy('node-fetch')).toMatchObject({
    code: 'EHOSTUNREACH',
    message: expect.stringContaining(`through overlay ${overlay}`) as string,
  })
})

it('the connect timeout of undici does not end that of the overlay', async () => {
  route = hanging
  const thrown = await Promise.all(
    ['undici Agent', 'undici Agent by TLS', 'undici Pool'].map(async (name) => thrownBy(name)),
  )
  const late = { kind: 'Timeout', retryable: true, details: { overlay, limit: 'handshake_timeout' } }
  expect(thrown.map(ofOverlay)).toMatchObject([late, late, late])
})

it.each(['undici Agent', 'undici Agent by TLS', 'pg.Client'])(
  '%s: a timeout of the caller applies, and the error names the overlay',
  async (name) => {
    route = hanging
    const thrown = await thrownBy(name, 500)
    expect(thrown).not.toBeInstanceOf(TroupeError)
    expect(ofOverlay(thrown)).toMatchObject({ kind: 'Timeout', retryable: true, details: { overlay } })
    expect(ofOverlay(thrown)?.details).not.toHaveProperty('limit')
  },
)

it('a connection that the caller cancels is closed at the proxy too (nodejs/undici#2362)', async () => {
  route = hanging
  await thrownBy('undici Agent by TLS', 500)
  await expect.poll(() => hung.size).toBe(0)
})

it('undici requests the host of the URL, whatever the header contains', async () => {
  route = refusing
  await thrownBy('undici Agent with a Host header')
  // Version, command, reserved, an IPv4 address, port 80.
  expect(asked.at(-1)).toEqual(Buffer.from([5, 1, 0, 1, 192, 0, 2, 7, 0, 80]))
})

it('the reason of an aborted signal is unchanged', async () => {
  route = hanging
  const reason = new DOMException('enough', 'TimeoutError')
  const signal = AbortSignal.abort(reason)
  await expect(once(http.get('http://unknown.test/', { signal }), 'response')).rejects.toMatchObject({
    name: 'AbortError',
    cause: reason,
  })
  expect(reason).not.toHaveProperty('cause')
})
