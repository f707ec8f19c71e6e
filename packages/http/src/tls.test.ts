import { entryId } from '@troupe/core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { inFrame, startApplication } from './testing/application.ts'
import {
  certificates,
  clientName,
  type Origin,
  type Proxy,
  startHttp2Origin,
  startOrigin,
  startProxy,
  startSecureOrigin,
} from './testing/servers.ts'
import { closeHttpPools, http } from './index.ts'

const overlay = entryId('app:a')
const { ca, client } = certificates

let origin: Origin
let mutual: Origin
let proxy: Proxy

beforeAll(async () => {
  origin = await startSecureOrigin()
  mutual = await startSecureOrigin((request, response) => void response.end(clientName(request)), { clientCert: true })
  proxy = await startProxy('127.0.0.2')
})
beforeEach(() => {
  startApplication({ [overlay]: proxy.port })
  origin.seen.length = 0
})
afterAll(async () => {
  await closeHttpPools()
  for (const each of [origin, mutual, proxy]) await each[Symbol.asyncDispose]()
})

describe.each([
  ['in the clear', null, 'localhost'],
  ['through an overlay', overlay, 'secure.test'],
])('TLS %s', (_way, chosen, host) => {
  const inside = <T>(fn: () => T) => inFrame({ overlay: chosen }, fn)
  const url = (server: Origin, name = host) => `https://${name}:${server.port}/`

  it('verifies with the given authority', async () => {
    const response = await inside(() => http.post(url(origin), { body: 'safe', tls: { ca } }))
    expect(await response.text()).toBe('safe')
    expect(origin.seen[0]?.peer).toBe(chosen === null ? '127.0.0.1' : '127.0.0.2')
  })

  it('refuses an unknown authority, and a name that is not in the certificate', async () => {
    await expect(inside(() => http.get(url(origin)))).rejects.toMatchObject({
      kind: 'Unavailable',
      retryable: false,
      details: { code: 'SELF_SIGNED_CERT_IN_CHAIN' },
    })
    const other = inside(() => http.get(url(origin), { tls: { ca, serverName: 'other.test' } }))
    await expect(other).rejects.toMatchObject({
      kind: 'Unavailable',
      details: { code: 'ERR_TLS_CERT_ALTNAME_INVALID' },
    })
    expect(origin.seen).toEqual([])
  })

  it('verifies the given name instead of the host, and addresses as addresses', async () => {
    const byName = await inside(() =>
      http.get(url(origin, '127.0.0.1'), { tls: { ca: [ca], serverName: 'secure.test' } }),
    )
    const byAddress = await inside(() => http.get(url(origin, '127.0.0.1'), { tls: { ca: Buffer.from(ca) } }))
    expect([byName.status, byAddress.status]).toEqual([200, 200])
  })

  it('verifies nothing if configured so, and that connection serves no other request', async () => {
    const lenient = await inside(() => http.get(url(origin), { tls: { insecureSkipVerify: true } }))
    await lenient.text()
    await expect(inside(() => http.get(url(origin)))).rejects.toMatchObject({ kind: 'Unavailable' })
  })

  it('sends a client certificate', async () => {
    const response = await inside(() => http.get(url(mutual), { tls: { ca, ...client } }))
    expect(await response.text()).toBe('client.test')
    const without = inside(() => http.get(url(mutual), { tls: { ca } }))
    await expect(without.then((answer) => answer.text())).rejects.toMatchObject({ kind: 'Unavailable' })
  })

  it('uses HTTP/2 if the server does', async () => {
    await using two = await startHttp2Origin()
    const responses = await inside(() => Promise.all([1, 2].map(() => http.get(url(two), { tls: { ca } }))))
    expect(await Promise.all(responses.map((each) => each.text()))).toEqual(['two', 'two'])
    await closeHttpPools()
  })
})

it('sends a client certificate to no other host, and verifies other hosts', async () => {
  await using start = await startOrigin(
    (_request, response) => void response.writeHead(302, { location: `https://localhost:${mutual.port}/` }).end(),
  )
  const sent = inFrame({ overlay: null }, () =>
    http.get(`http://127.0.0.1:${start.port}/`, { tls: { ...client, insecureSkipVerify: true } }),
  )
  await expect(sent).rejects.toMatchObject({ kind: 'Unavailable', details: { code: 'SELF_SIGNED_CERT_IN_CHAIN' } })
})

it('does not accept plain HTTP as TLS', async () => {
  await using plain = await startOrigin()
  const sent = inFrame({ overlay }, () => http.get(`https://secure.test:${plain.port}/`, { tls: { ca } }))
  await expect(sent).rejects.toMatchObject({
    kind: 'Unavailable',
    message: expect.stringContaining('through app:a') as string,
  })
})
