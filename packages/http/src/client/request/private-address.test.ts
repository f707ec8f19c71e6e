import dns from 'node:dns'
import { once } from 'node:events'
import { type EntryId, entryId } from '@troupe/core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Application, inFrame, startApplication } from '../../testing/application.ts'
import { type Origin, type Proxy, startOrigin, startProxy } from '../../testing/servers.ts'
import { closeHttpPools, http } from '../../index.ts'

const overlay: EntryId = entryId('app:a')
/** A name whose resolver is under a stranger's control. */
const name = 'rebind.example'
/** TEST-NET-3 (RFC 5737): public according to the list, and assigned to no host. */
const elsewhere = '203.0.113.1'
let origin: Origin
let proxy: Proxy
let application: Application
const privateIp = 'http_client.private_ip of 127.0.0.1'
const url = (host = name, path = '/') => `http://${host}:${origin.port}${path}`
const clear = <T>(fn: () => T) => inFrame({ overlay: null }, fn)

/** Makes the resolver return these addresses for the name, one list after the other, and counts the queries. */
const resolver = (...answers: readonly (readonly string[])[]) => resolverOf(name, answers)

function resolverOf(known: string, answers: readonly (readonly string[])[]) {
  const lookup = dns.lookup
  let asked = 0
  const answer = (
    host: string,
    options: object,
    done: (error: Error | null, addresses: dns.LookupAddress[]) => void,
  ) => {
    if (host !== known) {
      Reflect.apply(lookup, dns, [host, options, done])
      return
    }
    const addresses = answers[Math.min(asked, answers.length - 1)] ?? []
    asked += 1
    setImmediate(() =>
      done(
        null,
        addresses.map((address) => ({ address, family: 4 })),
      ),
    )
  }
  vi.spyOn(dns, 'lookup').mockImplementation(answer as unknown as typeof lookup)
  return {
    get asked() {
      return asked
    },
  }
}

beforeAll(async () => {
  origin = await startOrigin((request, response, body) => {
    const to = new URL(request.url ?? '/', 'http://origin').searchParams.get('to')
    if (to !== null) response.writeHead(302, { location: to })
    response.end(body)
  })
  proxy = await startProxy('127.0.0.2')
})
beforeEach(() => {
  application = startApplication({ [overlay]: proxy.port })
  application.govern()
  application.forbidden.add(privateIp)
  origin.seen.length = 0
})
afterEach(async () => {
  vi.restoreAllMocks()
  await closeHttpPools(0)
  // Closed as the server sees it too.
  await Promise.all([...origin.connections].map(async (socket) => once(socket, 'close')))
})
afterAll(async () => {
  for (const each of [origin, proxy]) await each[Symbol.asyncDispose]()
})

describe('a private address', () => {
  it('behind a name needs permission when it is dialled', async () => {
    resolver(['127.0.0.1'])
    await expect(clear(() => http.get(url()))).rejects.toMatchObject({
      kind: 'PermissionDenied',
      details: { action: 'http_client.private_ip', resource: '127.0.0.1' },
    })
    expect([origin.seen, origin.connections.size]).toEqual([[], 0])
    application.forbidden.clear()
    expect((await clear(() => http.get(url()))).status).toBe(200)
    expect(application.asked.filter((each) => each === privateIp).length).toBe(2)
  })

  it('behind a real name of this machine too', async () => {
    await expect(clear(() => http.get(url('localhost')))).rejects.toMatchObject({ kind: 'PermissionDenied' })
    expect(origin.connections.size).toBe(0)
  })

  it('in a second DNS answer is not dialled: the name is looked up once', async () => {
    const asked = resolver([elsewhere], ['127.0.0.1'])
    const outgoing = clear(() => http.get(url(), { timeout: 300 }))
    // No host has this address: the client must not find out that the next answer is another.
    await expect(outgoing).rejects.toMatchObject({ kind: expect.stringMatching(/Timeout|Unavailable/) as string })
    expect(asked.asked).toBe(1)
    await expect(clear(() => http.get(url()))).rejects.toMatchObject({ kind: 'PermissionDenied' })
    expect(origin.connections.size).toBe(0)
  })

  it('among public ones is left out', async () => {
    resolver(['127.0.0.1', elsewhere])
    await expect(clear(() => http.get(url(), { timeout: 300 }))).rejects.toMatchObject({
      kind: expect.stringMatching(/Timeout|Unavailable/) as string,
    })
    expect(application.asked).toContain(privateIp)
    expect(origin.connections.size).toBe(0)
  })

  it('that one actor may reach is not reached by another on the kept connection', async () => {
    resolver(['127.0.0.1'])
    application.forbidden.clear()
    await clear(() => http.get(url()))
    application.forbidden.add(privateIp)
    await expect(clear(() => http.get(url()))).rejects.toMatchObject({ kind: 'PermissionDenied' })
    application.forbidden.clear()
    await clear(() => http.get(url()))
    expect(origin.seen.length).toBe(2)
    // The denial did not lose the connection.
    expect(new Set(origin.seen.map(({ port }) => port)).size).toBe(1)
  })

  it('after a redirect needs permission, written out or behind a name', async () => {
    application.forbidden.delete(privateIp)
    application.forbidden.add('http_client.private_ip of 127.0.0.2')
    const written = clear(() => http.get(url('127.0.0.1', `/?to=${encodeURIComponent('http://127.0.0.2:1/')}`)))
    await expect(written).rejects.toMatchObject({ kind: 'PermissionDenied', details: { resource: '127.0.0.2' } })
    resolver(['127.0.0.2'])
    const named = clear(() => http.get(url('127.0.0.1', `/?to=${encodeURIComponent(url())}`)))
    await expect(named).rejects.toMatchObject({ kind: 'PermissionDenied', details: { resource: '127.0.0.2' } })
    expect(origin.seen.length).toBe(2)
  })

  it('needs permission in an overlay if it is written out; names are not looked up', async () => {
    // The proxy resolves this name by itself.
    const asked = resolverOf('service.test', [['127.0.0.1']])
    await expect(inFrame({ overlay }, () => http.get(url('127.0.0.1')))).rejects.toMatchObject({
      kind: 'PermissionDenied',
    })
    expect(proxy.asked).toEqual([])
    expect((await inFrame({ overlay }, () => http.get(url('service.test')))).status).toBe(200)
    expect(proxy.asked.map(({ host }) => host)).toEqual(['service.test'])
    expect(asked.asked).toBe(0)
  })
})
