import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { emptyFrame, type EntryId, entryId, fork, runInFrame } from '@troupe/core'
import { rebindThreadNetwork } from '@troupe/network/kernel'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Application, inFrame, routeTo, startApplication } from './testing/application.ts'
import { closedPort, type Origin, type Proxy, startMute, startOrigin, startProxy } from './testing/servers.ts'
import { closeHttpPools, http } from './index.ts'

const a = entryId('app:a')
const b = entryId('app:b')
const dead = entryId('app:dead')
const exits = { a: '127.0.0.2', b: '127.0.0.3' }
const ours = '127.0.0.1'

let origin: Origin
let proxyA: Proxy
let proxyB: Proxy
let application: Application
/** A name that only the proxies know. */
const named = (path = '/') => `http://service.test:${origin.port}${path}`
const plain = (path = '/') => `http://127.0.0.1:${origin.port}${path}`
const peers = () => origin.seen.map(({ peer }) => peer)
const read = async (sent: Promise<Response>) => (await sent).text()

beforeEach(async () => {
  origin = await startOrigin((request, response, body) => {
    if (request.url === '/held') held.push(() => response.end('held'))
    else response.end(body)
  })
  proxyA = await startProxy(exits.a)
  proxyB = await startProxy(exits.b)
  application = startApplication({ [a]: proxyA.port, [b]: proxyB.port, [dead]: closedPort })
})
afterEach(async () => {
  held.length = 0
  await closeHttpPools(0)
  for (const each of [origin, proxyA, proxyB]) await each[Symbol.asyncDispose]()
})
const held: (() => void)[] = []

describe('selection', () => {
  const cases: [explicit: EntryId | null | '' | undefined, thread: EntryId | null, expected: EntryId | null][] = []
  for (const explicit of [a, null, '', undefined] as const) {
    for (const thread of [b, null])
      cases.push([explicit, thread, explicit === '' || explicit === undefined ? thread : explicit])
  }

  it.each(cases)('"%s" in a thread of %s: %s', async (explicit, overlay, expected) => {
    await inFrame({ overlay }, () => read(http.get(plain(), { overlayNetwork: explicit })))
    expect(peers()).toEqual([expected === a ? exits.a : expected === b ? exits.b : ours])
    expect(application.selected).toEqual(explicit === a || explicit === null ? [explicit] : [])
  })

  it('sends nothing when it is denied or unknown', async () => {
    application.denied.add(a).add(null)
    const refused = [
      [a, 'PermissionDenied', { action: 'network.select', resource: a }],
      [null, 'PermissionDenied', { resource: 'network:direct' }],
      ['app:unknown', 'NotFound', {}],
    ] as const
    for (const [overlayNetwork, kind, details] of refused) {
      const sent = inFrame({ overlay: b }, () => http.get(plain(), { overlayNetwork }))
      await expect(sent).rejects.toMatchObject({ kind, details })
    }
    expect([origin.connections.size, proxyA.asked, proxyB.asked]).toEqual([0, [], []])
  })

  it('refuses in a thread without a network, unless an overlay is selected', async () => {
    rebindThreadNetwork(undefined)
    await expect(http.get(plain())).rejects.toMatchObject({
      kind: 'PermissionDenied',
      message: expect.stringContaining('no network yet') as string,
    })
    await read(http.get(plain(), { overlayNetwork: a }))
    expect(peers()).toEqual([exits.a])
  })

  it('uses the thread’s network in any frame, and without one', async () => {
    rebindThreadNetwork({ overlay: a })
    await read(http.get(plain()))
    for (const overlay of [b, null]) await runInFrame(fork(emptyFrame, { overlay }), () => read(http.get(plain())))
    expect(new Set(peers())).toEqual(new Set([exits.a]))
  })
})

describe('fails closed', () => {
  it.each([
    ['a dead proxy', dead, 'Unavailable'],
    ['an overlay that was removed', entryId('app:gone'), 'NotFound'],
  ])('%s', async (_name, overlay, kind) => {
    const error: unknown = await inFrame({ overlay }, () => http.get(plain())).catch((error: unknown) => error)
    expect(error).toMatchObject({
      kind,
      details: { overlay, url: plain() },
      message: expect.stringContaining(`through ${overlay}`) as string,
    })
    expect([origin.seen, origin.connections.size]).toEqual([[], 0])
  })

  it('a silent proxy: in time, and the next request does not wait for its dial', async () => {
    await using mute = await startMute()
    application.routes.set(a, routeTo(a, mute.port))
    const sent = inFrame({ overlay: a }, () => http.get(plain(), { timeout: 100 }))
    await expect(sent).rejects.toMatchObject({ kind: 'Timeout', details: { overlay: a } })
    const ending = new AbortController()
    const waiting = inFrame({ overlay: a }, () => http.get(plain(), { signal: ending.signal, timeout: '10m' }))
    await expect.poll(() => mute.connections.size).toBe(1)
    ending.abort()
    await expect(waiting).rejects.toMatchObject({ kind: 'Canceled' })
    // The request no longer waits for it: the dial is ended too.
    await expect.poll(() => mute.connections.size).toBe(0)
    const next = inFrame({ overlay: a }, () => http.get(plain(), { timeout: '10m' }))
    await expect.poll(() => mute.connections.size).toBe(1)
    await closeHttpPools(0)
    await expect(next).rejects.toMatchObject({ kind: 'Canceled' })
    await expect.poll(() => mute.connections.size).toBe(0)
    expect(origin.connections.size).toBe(0)
  })

  it('reports the reply of the proxy', async () => {
    const port = closedPort
    const sent = inFrame({ overlay: a }, () => http.get(`http://service.test:${port}/`))
    await expect(sent).rejects.toMatchObject({
      kind: 'Unavailable',
      retryable: true,
      message: expect.stringMatching(/refused/i) as string,
    })
    expect(proxyA.asked).toMatchObject([{ host: 'service.test', port }])
  })

  it('ends with the proxy: kept connections are not dialled again in the clear', async () => {
    await inFrame({ overlay: a }, () => read(http.get(named())))
    await proxyA[Symbol.asyncDispose]()
    await expect(inFrame({ overlay: a }, () => http.get(named()))).rejects.toMatchObject({ kind: 'Unavailable' })
    expect(peers()).toEqual([exits.a])
  })

  it('passes names to the proxy, and calls no resolver', async () => {
    const dns = await import('node:dns')
    const lookup = vi.spyOn(dns.default, 'lookup')
    await inFrame({ overlay: a }, () => read(http.get(named())))
    expect(proxyA.asked).toMatchObject([{ host: 'service.test', port: origin.port }])
    expect(lookup.mock.calls.filter(([name]) => name.endsWith('.test'))).toEqual([])
    lookup.mockRestore()
  })

  it('passes addresses unchanged, IPv6 without its brackets', async () => {
    await expect(inFrame({ overlay: a }, () => http.get(`http://[::1]:${origin.port}/`))).rejects.toMatchObject({
      kind: 'Unavailable',
    })
    expect(proxyA.asked[0]?.host).toMatch(/^(::1|0000:.*0001)$/)
  })
})

describe('pools', () => {
  it('are never shared between overlays and the clear', async () => {
    for (let round = 0; round < 2; round++) {
      for (const overlay of [null, a, b]) await inFrame({ overlay }, () => read(http.get(plain())))
    }
    expect(peers()).toEqual([ours, exits.a, exits.b, ours, exits.a, exits.b])
    const ports = origin.seen.map(({ port }) => port)
    // Each way kept its own connection alive.
    expect(ports.slice(3)).toEqual(ports.slice(0, 3))
    expect(new Set(ports).size).toBe(3)
  })

  it('are never shared between actors', async () => {
    const as = (id: string | undefined) =>
      inFrame({ overlay: a, actor: id === undefined ? undefined : { id, meta: {} } }, () => read(http.get(named())))
    for (const id of ['x', 'y', undefined, 'x']) await as(id)
    const [x, y, none, again] = origin.seen.map(({ port }) => port)
    expect(new Set([x, y, none]).size).toBe(3)
    expect(again).toBe(x)
  })

  it('do not depend on timeouts', async () => {
    for (const timeout of [1000, 2000, '3s', 1000])
      await inFrame({ overlay: a }, () => read(http.get(named(), { timeout })))
    expect(new Set(origin.seen.map(({ port }) => port)).size).toBe(1)
  })

  it('are replaced by those of a new generation, and finish running requests', async () => {
    const running = inFrame({ overlay: a }, () => read(http.get(named('/held'))))
    await expect.poll(() => held.length).toBe(1)
    application.routes.set(a, routeTo(a, proxyB.port, 2))
    await inFrame({ overlay: a }, () => read(http.get(named())))
    expect(peers()).toEqual([exits.a, exits.b])
    held[0]?.()
    expect(await running).toBe('held')
    await expect.poll(() => proxyA.connections.size).toBe(0)
    // A route from before the swap does not restore the old proxy.
    application.routes.set(a, routeTo(a, proxyA.port, 1))
    await inFrame({ overlay: a }, () => read(http.get(named())))
    expect(peers()).toEqual([exits.a, exits.b, exits.b])
  })

  it('close when the thread ends, after running requests', async () => {
    const running = inFrame({ overlay: a }, () => read(http.get(named('/held'))))
    await expect.poll(() => held.length).toBe(1)
    const closed = closeHttpPools(60_000)
    held.shift()?.()
    expect(await running).toBe('held')
    await closed
    await expect.poll(() => proxyA.connections.size).toBe(0)
  })

  it('abort what does not finish in time', async () => {
    const cut = inFrame({ overlay: a }, () => http.get(named('/held')))
    await expect.poll(() => held.length).toBe(1)
    const [outcome] = await Promise.allSettled([cut, closeHttpPools(0)])
    expect(outcome).toMatchObject({ status: 'rejected', reason: { kind: 'Canceled' } })
    await expect.poll(() => proxyA.connections.size).toBe(0)
  })
})

describe('batch', () => {
  it('returns each result in order, a response or an error', async () => {
    const results = await inFrame({ overlay: null }, () =>
      http.batch([
        ['post', named(), { body: 'one', overlayNetwork: a }],
        ['GET', plain(), { overlayNetwork: dead }],
        ['POST', plain(), { body: 'three' }],
      ]),
    )
    expect(
      await Promise.all(results.map(async ({ response, error }) => (response ? response.text() : error.kind))),
    ).toEqual(['one', 'Unavailable', 'three'])
    expect(application.selected).toEqual([a, dead])
  })

  it('sends nothing when one is denied, unknown or invalid', async () => {
    application.denied.add(b)
    const good = ['GET', plain()] as const
    const refused = [
      ['PermissionDenied', ['GET', plain(), { overlayNetwork: b }]],
      ['NotFound', ['GET', plain(), { overlayNetwork: 'app:unknown' }]],
      ['Invalid', ['GET', 'no url']],
      ['Invalid', ['GET', plain(), { timeout: 'soon' }]],
    ] as const
    for (const [kind, bad] of refused) {
      await expect(inFrame({ overlay: null }, () => http.batch([good, bad, good]))).rejects.toMatchObject({ kind })
    }
    expect(origin.connections.size).toBe(0)
    await expect(http.batch([good, ['GET', plain(), { timeout: -1 }]])).rejects.toThrow(/requests\[1\]\.timeout/)
  })

  it('of nothing returns nothing', async () => {
    expect(await http.batch([])).toEqual([])
  })
})

it('publishes each request to troupe:http:request, without its secrets', async () => {
  const events: unknown[] = []
  const listener = (event: unknown) => events.push(event)
  subscribe('troupe:http:request', listener)
  await inFrame({ overlay: a }, () => read(http.get(named('/path?token=secret'))))
  await inFrame({ overlay: dead }, () => http.get(named())).catch(() => {})
  unsubscribe('troupe:http:request', listener)
  expect(events).toMatchObject([
    { method: 'GET', url: named('/path'), overlay: a, status: 200 },
    { method: 'GET', url: named(), overlay: dead, error: { kind: 'Unavailable' } },
  ])
})
