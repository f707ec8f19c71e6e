import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { protocols, startWebApp, type WebApp } from './web-app.ts'

const pools = [
  ['inline', 'inline'],
  ['on a pool of one thread', { min: 1, max: 1 }],
] as const
const ways = protocols.flatMap((protocol) => pools.map(([name, pool]) => [name, protocol, pool] as const))

describe.each(ways)('a function %s, over %s', (_, protocol, pool) => {
  let web: WebApp

  beforeAll(async () => {
    web = await startWebApp({
      protocol,
      service: { timeouts: { write: '3s' } },
      entries: [
        ...['fault', 'later'].flatMap((method) => [
          { id: `app:${method}`, kind: 'function.ts', source: 'file://fixtures/faults.ts', method, pool },
          {
            id: `app:at-${method}`,
            kind: 'http.endpoint',
            meta: { router: 'app:router' },
            method: '*',
            path: `/${method}`,
            func: `app:${method}`,
          },
        ]),
      ],
    })
    await web.fetch('/fault?do=hello')
    await web.fetch('/later?do=hello')
    // The client is loaded, however long that takes.
    await vi.waitUntil(async () => (await read(web, '/later?do=relay')).status === 201, { timeout: 120_000 })
  })

  afterAll(async () => {
    await web[Symbol.asyncDispose]()
  })

  /** The thread is free, and nothing was restarted. */
  async function goesOn(): Promise<void> {
    for (const path of ['/fault', '/later'])
      expect(await (await web.fetch(`${path}?do=hello`)).text()).toBe('hello world')
    expect(web.app.service('app:web')).toMatchObject({ state: 'Running', attempts: 0 })
    expect(web.app.log.filter((line) => line.includes('that answered requests ended'))).toEqual([])
  }

  const said = (words: string) => web.app.log.filter((line) => line.includes(words)).length

  it.each([
    'text',
    'line',
    'name',
    'pseudo',
    'status0',
    'status103',
    'status999',
    'shorter',
    'locked',
    'object',
    'nothing',
    'throws-nothing',
    'throws-hostile',
    'answers-hostile',
    'own',
  ])('with an invalid result fails only its request: %s', async (what) => {
    for (const path of ['/fault', '/later']) {
      const response = await web.fetch(`${path}?do=${what}`)
      expect([response.status, await response.json()]).toEqual([500, expect.objectContaining({ status: 500 })])
    }
    await goesOn()
  })

  it('sends no field of the connection', async () => {
    const { status, headers, text } = await read(web, '/fault?do=connection')
    expect([status, text, headers.get('x-kept'), headers.get('content-length')]).toEqual([200, 'hello', 'yes', '5'])
    for (const name of ['proxy-connection', 'transfer-encoding', 'upgrade', 'te', 'trailer'])
      expect(headers.get(name)).toBeNull()
    await goesOn()
  })

  it.each(['longer', 'longer-stream'])('is truncated at its content-length: %s', async (what) => {
    const { status, headers, text } = await read(web, `/fault?do=${what}`)
    expect([status, headers.get('content-length'), text]).toEqual([200, '5', 'hello'])
    expect(said('its content-length is 5')).toBeGreaterThan(0)
    await goesOn()
  })

  it('ends a stream that is shorter than its content-length, if it could not be refused', async () => {
    expect(await outcome(web, '/fault?do=shorter-stream')).toBe(pool === 'inline' ? 'broken' : 500)
    await goesOn()
  })

  it('does not send an invalid content-length', async () => {
    expect(await read(web, '/fault?do=length')).toMatchObject({ status: 200, text: 'hello' })
  })

  it('streams text and bytes, and nothing else', async () => {
    expect((await read(web, '/fault?do=words')).text).toBe('some words')
    expect(['broken', 500]).toContain(await outcome(web, '/fault?do=numbers'))
    await goesOn()
  })

  it('logs failures after the response', async () => {
    expect((await read(web, '/fault?do=rejects-late')).text).toBe('hello')
    await expect.poll(() => said('too late to matter')).toBe(1)
    await goesOn()
  })

  it.each(['endless', 'cancel-throws'])('is cancelled at once if only the head is requested: %s', async (what) => {
    const before = said(`${what} cancelled`)
    for (const path of ['/fault', '/later']) {
      const response = await web.fetch(`${path}?do=${what}`, { method: 'HEAD' })
      expect([response.status, await response.text()]).toEqual([200, ''])
    }
    await expect.poll(() => said(`${what} cancelled`)).toBe(before + 2)
    await goesOn()
  })

  it.each(['endless', 'cancel-throws', 'events'])('is cancelled when its client disconnects: %s', async (what) => {
    const before = said(`${what} cancelled`)
    const response = await web.fetch(`/fault?do=${what}`)
    const reader = response.body?.getReader()
    await reader?.read()
    await reader?.cancel()
    await expect.poll(() => said(`${what} cancelled`)).toBe(before + 1)
    await goesOn()
  })

  it('ends an event stream that cannot be written', async () => {
    expect(await outcome(web, '/fault?do=events-broken')).toBe('broken')
    await goesOn()
  })

  it.each([
    ['abort-logs', 'abort logged'],
    ['abort-sends', 'abort sent'],
    ['abort-throws', 'abort failed'],
  ])('sees the end of its request in the request: %s', async (what, words) => {
    const before = said('waiting')
    const client = new AbortController()
    const asked = web.fetch(`/fault?do=${what}`, { signal: client.signal })
    await expect.poll(() => said('waiting')).toBe(before + 1)
    client.abort()
    await expect(asked).rejects.toThrow('abort')
    await expect.poll(() => said(words)).toBeGreaterThan(0)
    await goesOn()
  })

  it('responds too late: its response is cancelled', async () => {
    const response = await web.fetch('/fault?do=late')
    expect(response.status).toBe(504)
    await expect.poll(() => said('late cancelled')).toBe(1)
    await goesOn()
  })

  it('reports malformed bodies as errors of the client', async () => {
    for (const path of ['/fault', '/later']) {
      expect((await web.fetch(`${path}?do=json`, { method: 'POST', body: '{bad' })).status).toBe(400)
      const headers = { 'content-type': 'multipart/form-data; boundary=x' }
      expect((await web.fetch(`${path}?do=form`, { method: 'POST', body: 'nothing', headers })).status).toBe(400)
    }
    expect(await (await web.fetch('/fault?do=json', { method: 'POST', body: '{"a":1}' })).json()).toEqual({ a: 1 })
    await goesOn()
  })

  it.each(['', '&how=init', '&how=clone'])('relays what http.get() returned %s', async (how) => {
    const { status, headers, text } = await read(web, `/later?do=relay${how}`)
    expect([status, headers.get('x-up'), text]).toEqual([201, '1', '{"made":"upstream"}'])
    await goesOn()
  })

  it('is sent completely, at any length', async () => {
    expect((await read(web, '/fault?do=big')).text.length).toBe(4_000_000)
    await goesOn()
  })
})

async function read(web: WebApp, path: string) {
  const response = await web.fetch(path)
  return { status: response.status, headers: response.headers, text: await response.text() }
}

/** The status of a complete response. */
async function outcome(web: WebApp, path: string): Promise<number | 'broken'> {
  try {
    const response = await web.fetch(path)
    await response.text()
    return response.status
  } catch {
    return 'broken'
  }
}
