/** TLS sessions of the client: they are resumed in one network and for one isolation key only. */
import type { TLSSocket } from 'node:tls'
import { entryId } from '@troupe/core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { type Application, inFrame, startApplication } from '../testing/application.ts'
import { certificates, type Origin, type Proxy, startProxy, startSecureOrigin } from '../testing/servers.ts'
import { closeHttpPools, http, type RequestOptions } from '../index.ts'

const [first, second] = [entryId('app:a'), entryId('app:b')]
let origin: Origin
let proxy: Proxy
let application: Application

/** Whether the server found a session resumed, on a connection that was opened for the request. */
async function isReused(options: RequestOptions = {}, host = 'secure.test'): Promise<boolean> {
  const url = `https://${host}:${origin.port}/`
  const response = await inFrame({ overlay: null }, () => http.get(url, { tls: { ca: certificates.ca }, ...options }))
  return (await response.text()) === 'true'
}

function isolates(by: 'actor' | 'destination' | 'connection'): void {
  application.routes.set(first, {
    overlay: first,
    generation: 1,
    driver: 'socks5',
    config: { proxies: [{ host: '127.0.0.1', port: proxy.port }], isolate: { by, form: 'login', seed: 'seed' } },
  })
}

beforeAll(async () => {
  origin = await startSecureOrigin((request, response) => {
    const socket = request.socket as TLSSocket
    response.setHeader('connection', 'close').end(String(socket.isSessionReused()))
  })
  proxy = await startProxy('127.0.0.2', () => true)
})
beforeEach(() => {
  application = startApplication({ [first]: proxy.port, [second]: proxy.port })
  for (const overlay of [first, second])
    application.routes.set(overlay, {
      overlay,
      generation: 1,
      driver: 'socks5',
      config: { proxies: [{ host: '127.0.0.1', port: proxy.port, login: { username: 'u', password: 'p' } }] },
    })
})
afterEach(async () => closeHttpPools(0))
afterAll(async () => {
  await origin[Symbol.asyncDispose]()
  await proxy[Symbol.asyncDispose]()
})

it('are resumed in the clear network', async () => {
  expect([await isReused({}, '127.0.0.1'), await isReused({}, '127.0.0.1')]).toEqual([false, true])
})

it('are resumed in an overlay, and in no other network', async () => {
  const through = (overlayNetwork: typeof first | null) => ({ overlayNetwork, isolation: 'x' })
  expect(await isReused(through(first))).toBe(false)
  expect(await isReused(through(first))).toBe(true)
  expect(await isReused(through(second))).toBe(false)
  expect(await isReused(through(null), '127.0.0.1')).toBe(false)
  expect(await isReused(through(second))).toBe(true)
})

it('are not resumed for another isolation key, nor without one, nor with other options of TLS', async () => {
  const through = (isolation?: string): RequestOptions => ({
    overlayNetwork: first,
    ...(isolation !== undefined && { isolation }),
  })
  isolates('actor')
  expect(await isReused(through('x'))).toBe(false)
  expect(await isReused(through('y'))).toBe(false)
  expect(await isReused(through('x'))).toBe(true)
  expect(await isReused(through())).toBe(false)
  expect(await isReused(through())).toBe(false)
  expect(await isReused({ ...through('x'), tls: { insecureSkipVerify: true } })).toBe(false)
  expect(await isReused({ ...through('x'), tls: { ca: certificates.ca, serverName: 'localhost' } })).toBe(false)
})

it('are not resumed where each connection is isolated', async () => {
  isolates('connection')
  const through = { overlayNetwork: first, isolation: 'x' }
  expect([await isReused(through), await isReused(through)]).toEqual([false, false])
})

it('are not resumed for another name of the certificate', async () => {
  const through = (host?: string): RequestOptions => ({
    overlayNetwork: first,
    isolation: 'x',
    ...(host !== undefined && { headers: { host } }),
  })
  expect(await isReused(through('localhost'))).toBe(false)
  expect(await isReused(through())).toBe(false)
  expect(await isReused(through('localhost'))).toBe(true)
  expect(await isReused(through())).toBe(true)
})
