import { type EntryId, entryId } from '@troupe/core'
import { installGuard } from '@troupe/network'
import { rebindThreadNetwork } from '@troupe/network/kernel'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Application, inFrame, startApplication } from '../testing/application.ts'
import { type Origin, type Proxy, startOrigin, startProxy, startUnixOrigin } from '../testing/servers.ts'
import { closeHttpPools, http } from '../index.ts'

const overlay: EntryId = entryId('app:a')
let unix: Awaited<ReturnType<typeof startUnixOrigin>>
let other: Origin
let proxy: Proxy
let application: Application
const clear = <T>(fn: () => T) => inFrame({ overlay: null }, fn)

beforeAll(async () => {
  // As in the threads of an application, where no other code can reach a Unix socket in an overlay.
  installGuard()
  rebindThreadNetwork({ overlay: null })
  unix = await startUnixOrigin((request, response, body) => {
    const to = new URL(request.url ?? '/', 'http://origin').searchParams.get('to')
    if (to !== null) response.writeHead(302, { location: to })
    response.end(body)
  })
  other = await startOrigin()
  proxy = await startProxy('127.0.0.2')
})
beforeEach(() => {
  application = startApplication({ [overlay]: proxy.port })
  unix.seen.length = 0
  other.seen.length = 0
})
afterAll(async () => {
  await closeHttpPools()
  for (const each of [unix, other, proxy]) await each[Symbol.asyncDispose]()
})

describe('a Unix socket', () => {
  it('replaces the host, whose name is still sent', async () => {
    const response = await clear(() => http.post('http://docker/v1/info?x=1', { unixSocket: unix.path, body: 'hello' }))
    expect([await response.text(), response.url]).toEqual(['hello', 'http://docker/v1/info?x=1'])
    expect(unix.seen).toMatchObject([{ url: '/v1/info?x=1', headers: { host: 'docker' } }])
  })

  it('keeps its connections, apart from those of the network', async () => {
    await closeHttpPools()
    await expect.poll(() => unix.connections.size).toBe(0)
    await clear(async () => {
      const url = `http://127.0.0.1:${other.port}/`
      for (let n = 0; n < 2; n += 1) await http.get(url, { unixSocket: unix.path })
      await http.get(url)
    })
    expect([unix.seen.length, unix.connections.size, other.seen.length]).toEqual([2, 1, 1])
  })

  it('is outside every overlay: refused in one, unless the clear network is chosen, with permission', async () => {
    const send = (overlayNetwork?: null | string) =>
      inFrame({ overlay }, () => http.get('http://x/', { unixSocket: unix.path, overlayNetwork }))
    await expect(send()).rejects.toMatchObject({ kind: 'PermissionDenied', details: { overlay } })
    await expect(send(overlay)).rejects.toMatchObject({ kind: 'Invalid', details: { path: 'options.unixSocket' } })
    expect([unix.seen, proxy.asked]).toEqual([[], []])
    expect((await send(null)).status).toBe(200)
    application.denied.add(null)
    await expect(send(null)).rejects.toMatchObject({
      kind: 'PermissionDenied',
      details: { resource: 'network:direct' },
    })
    expect(application.selected).toEqual([null, null])
    expect(unix.seen.length).toBe(1)
  })

  it('needs permission for the path, and not for an address that is not dialled', async () => {
    application.govern()
    const send = () => clear(() => http.get('http://127.0.0.1/', { unixSocket: unix.path }))
    await send()
    expect(application.asked).toEqual([
      'http_client.request of http://127.0.0.1/',
      `http_client.unix_socket of ${unix.path}`,
    ])
    application.forbidden.add(`http_client.unix_socket of ${unix.path}`)
    await expect(send()).rejects.toMatchObject({
      kind: 'PermissionDenied',
      details: { action: 'http_client.unix_socket', resource: unix.path },
    })
    expect(unix.seen.length).toBe(1)
  })

  it('keeps redirects on the socket, and is never entered by one', async () => {
    const response = await clear(() => http.get('http://x/?to=/there', { unixSocket: unix.path }))
    expect(response.url).toBe('http://x/there')
    const away = clear(() => http.get(`http://x/?to=http://127.0.0.1:${other.port}/`, { unixSocket: unix.path }))
    await expect(away).rejects.toMatchObject({
      kind: 'Unavailable',
      retryable: false,
      message: expect.stringContaining('Unix socket') as string,
    })
    expect(other.seen).toEqual([])
  })

  it('that does not exist is reported', async () => {
    const sent = clear(() => http.get('http://x/', { unixSocket: `${unix.path}.gone` }))
    await expect(sent).rejects.toMatchObject({ kind: 'Unavailable', details: { code: 'ENOENT' } })
  })
})
