import { entryId, type FrameChange, newTrace } from '@troupe/core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Application, inFrame, startApplication } from '../testing/application.ts'
import { type Origin, type Proxy, startOrigin, startProxy } from '../testing/servers.ts'
import { closeHttpPools, cookieJar, http, type RequestOptions } from '../index.ts'

const [first, second] = [entryId('app:a'), entryId('app:b')]
let origin: Origin
let proxy: Proxy
/** A proxy that accepts clients without a login. */
let open: Proxy
let application: Application
const url = () => `http://127.0.0.1:${origin.port}/`
const get = async (frame: FrameChange, options?: RequestOptions) =>
  (await inFrame(frame, () => http.get(url(), options))).text()
const isolates = (by: 'actor' | 'process' | 'destination' | 'connection') =>
  application.routes.set(first, {
    overlay: first,
    generation: 1,
    driver: 'socks5',
    config: { proxies: [{ host: '127.0.0.1', port: proxy.port }], isolate: { by, form: 'login', seed: 'seed' } },
  })
/** The circuits that connections used, as letters in the order of their first appearance. */
const circuits = () => {
  const names = proxy.asked.map(({ username }) => username)
  const distinct = [...new Set(names)]
  return names.map((name) => String.fromCharCode(97 + distinct.indexOf(name))).join('')
}

beforeAll(async () => {
  origin = await startOrigin((request, response, body) => {
    if (request.url === '/') response.setHeader('set-cookie', 'who=me')
    response.end(body)
  })
  proxy = await startProxy('127.0.0.2', () => true)
  open = await startProxy('127.0.0.2')
})
beforeEach(() => {
  application = startApplication({ [first]: open.port, [second]: open.port })
  proxy.asked.length = 0
  origin.seen.length = 0
})
afterEach(async () => {
  await closeHttpPools(0)
})
afterAll(async () => {
  await origin[Symbol.asyncDispose]()
  await proxy[Symbol.asyncDispose]()
  await open[Symbol.asyncDispose]()
})

describe('a trace', () => {
  const trace = newTrace()
  const carried = async (overlay: typeof first | null, options?: RequestOptions) => {
    await get({ overlay, trace }, options)
    return origin.seen.at(-1)?.headers['traceparent']
  }

  it('is sent in the clear network', async () => {
    expect(await carried(null)).toContain(trace.split('-')[1])
    expect(await carried(null, { trace: false })).toBeUndefined()
  })

  it('enters and leaves no overlay, unless the request asks for it', async () => {
    expect(await carried(first)).toBeUndefined()
    expect(await carried(null, { overlayNetwork: first })).toBeUndefined()
    expect(await carried(first, { overlayNetwork: null })).toBeUndefined()
    expect(await carried(first, { overlayNetwork: second })).toBeUndefined()
    expect(await carried(first, { trace: true })).toContain(trace.split('-')[1])
    expect(await carried(first, { headers: { traceparent: 'mine' } })).toBe('mine')
  })
})

describe('the isolation key', () => {
  const actor = (id: string) => ({ overlay: null, actor: { id, meta: {} } })
  const through = (isolation?: string) => ({ overlayNetwork: first, ...(isolation !== undefined && { isolation }) })

  it.each(['actor', 'process', 'destination'] as const)('of a request applies, for every caller: %s', async (by) => {
    isolates(by)
    await get(actor('ann'), through('x'))
    await get(actor('bob'), through('x'))
    await get(actor('ann'), through('y'))
    await closeHttpPools(0)
    await get(actor('ann'), through('x'))
    expect(circuits()).toBe('aaba')
  })

  it.each(['actor', 'process', 'connection'] as const)(
    'is new for each connection if none is given: %s',
    async (by) => {
      isolates(by)
      const held = await Promise.all(
        Array.from({ length: 3 }, async () =>
          inFrame(actor('ann'), () => http.get(url(), { ...through(), stream: true })),
        ),
      )
      for (const response of held) await response.text()
      await get(actor('ann'), through())
      expect(new Set(circuits()).size).toBe(proxy.asked.length)
      await get(actor('bob'), through())
      expect(new Set(circuits()).size).toBe(proxy.asked.length)
    },
  )

  it('separates connections in every network', async () => {
    for (const overlayNetwork of [null, first]) {
      origin.seen.length = 0
      for (const isolation of ['x', 'y', 'x', undefined, 'y'])
        await get({ overlay: null }, { overlayNetwork, isolation })
      const ports = origin.seen.map(({ port }) => port)
      expect([ports[2], ports[4], new Set(ports).size]).toEqual([ports[0], ports[1], 3])
    }
  })

  it('must be text', async () => {
    for (const isolation of ['', 'x'.repeat(257)])
      await expect(get({ overlay: null }, { isolation })).rejects.toMatchObject({ kind: 'Invalid' })
  })
})

describe('a cookie jar', () => {
  it('stays in the network and with the key of its first use', async () => {
    const cookies = await cookieJar()
    await get({ overlay: null }, { cookies })
    await get({ overlay: null }, { cookies })
    expect(origin.seen.at(-1)?.headers['cookie']).toBe('who=me')
    const seen = origin.seen.length
    for (const options of [{ overlayNetwork: first }, { isolation: 'x' }]) {
      await expect(get({ overlay: null }, { cookies, ...options })).rejects.toMatchObject({
        kind: 'Invalid',
        message: expect.stringContaining('shareCookies') as string,
      })
    }
    expect(origin.seen.length).toBe(seen)
    await get({ overlay: null }, { cookies, overlayNetwork: first, shareCookies: true })
    expect(origin.seen.at(-1)?.headers['cookie']).toBe('who=me')
  })
})
