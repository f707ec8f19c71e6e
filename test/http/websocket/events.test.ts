import { processes, registry, security } from 'troupe'
import type { WrittenEntry } from 'troupe/test'
import type { Response } from 'undici'
import { describe, expect, it } from 'vitest'
import { entryId } from '@troupe/core'
import { type Protocol, protocols, startWebApp, type WebApp } from '../server/web-app.ts'
import { still } from './still.ts'

const stream = (name: string, fields: Readonly<Record<string, unknown>> = {}): WrittenEntry => ({
  id: `app:${name}-stream`,
  kind: 'http.events',
  meta: { router: 'app:router' },
  path: `/${name}`,
  process: `app:${name}`,
  host: 'app:host',
  ...fields,
})
const endpoint = (name: string, pool: unknown): readonly WrittenEntry[] => [
  { id: `app:${name}`, kind: 'function.ts', source: 'file://fixtures/news.ts', method: name, pool },
  {
    id: `app:${name}-endpoint`,
    kind: 'http.endpoint',
    meta: { router: 'app:router' },
    path: `/${name}`,
    func: `app:${name}`,
  },
]

async function start(protocol: Protocol, ...entries: readonly WrittenEntry[]): Promise<WebApp> {
  return startWebApp({
    protocol,
    root: import.meta.dirname,
    entries: [
      {
        id: 'app:host',
        kind: 'process.host',
        host: { isolation: 'shared', workers: 1 },
        lifecycle: { auto_start: true },
      },
      ...['news', 'flood'].map((method) => ({
        id: `app:${method}`,
        kind: 'process.ts',
        source: 'file://fixtures/news.ts',
        method,
      })),
      ...entries,
    ],
  })
}

/** Reads a stream of events as text. */
class Listener implements AsyncDisposable {
  readonly response: Response
  readonly #reader: ReadableStreamDefaultReader<string>
  #text = ''

  constructor(response: Response) {
    this.response = response
    if (response.body === null) throw new Error('there is no body')
    this.#reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  }

  static async open(web: WebApp, path: string, headers: Readonly<Record<string, string>> = {}): Promise<Listener> {
    return new Listener(await web.fetch(path, { headers }))
  }

  /** The next event, unparsed. */
  async next(): Promise<string | undefined> {
    for (;;) {
      const end = this.#text.indexOf('\n\n')
      if (end !== -1) {
        const event = this.#text.slice(0, end)
        this.#text = this.#text.slice(end + 2)
        return event
      }
      const { done, value } = await this.#reader.read()
      if (done) return undefined
      this.#text += value
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader.cancel().catch(() => undefined)
  }
}

describe.each(protocols)('http.events, over %s', (protocol) => {
  it('sends the messages of a process, until it ends', async () => {
    await using web = await start(protocol, stream('news', { retry: '3s' }))
    await using observer = await web.app.probe({ name: 'observer' })
    await using listener = await Listener.open(web, '/news')
    expect(Object.fromEntries(listener.response.headers)).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
    })
    const { payload: pid } = await observer.next({ topic: 'open' })
    await processes.send(String(pid), 'news', 'peace')
    await processes.send(String(pid), 'news', { plain: 'data' })
    await processes.send(String(pid), 'last')
    expect([await listener.next(), await listener.next(), await listener.next(), await listener.next()]).toEqual([
      'retry: 3000',
      'event: news\nid: 1\ndata: peace',
      'event: news\nid: 2\ndata: {"plain":"data"}',
      undefined,
    ])
  })

  it('resumes at the last event of the client', async () => {
    await using web = await start(protocol, stream('news'))
    await using observer = await web.app.probe({ name: 'observer' })
    await using listener = await Listener.open(web, '/news', { 'last-event-id': '41' })
    const { payload: pid } = await observer.next({ topic: 'open' })
    await processes.send(String(pid), 'news', 'peace')
    expect(await listener.next()).toBe('event: news\nid: 42\ndata: peace')
  })

  it('ends the process when the client disconnects', async () => {
    await using web = await start(protocol, stream('news'))
    await using observer = await web.app.probe({ name: 'observer' })
    const listener = await Listener.open(web, '/news')
    const { payload: pid } = await observer.next({ topic: 'open' })
    const exit = processes.exited(String(pid))
    await listener[Symbol.asyncDispose]()
    expect((await observer.next({ topic: 'end' })).payload).toBe(pid)
    expect(await exit).toEqual({ value: undefined })
  })

  it('ends with the service, which does not wait for it', async () => {
    await using web = await start(protocol, stream('news'))
    await using observer = await web.app.probe({ name: 'observer' })
    await using listener = await Listener.open(web, '/news')
    await observer.next({ topic: 'open' })
    await web.app.app.stopService(entryId('app:web'))
    expect(await listener.next()).toBeUndefined()
  })

  it('keeps idle streams alive', async () => {
    await using web = await start(protocol, stream('news', { keep_alive: '20ms' }))
    await using listener = await Listener.open(web, '/news')
    expect([await listener.next(), await listener.next()]).toEqual([':', ':'])
  })

  it('suspends the process while the client does not read', async () => {
    await using web = await start(protocol, stream('flood'))
    await using observer = await web.app.probe({ name: 'observer' })
    await using listener = await Listener.open(web, '/flood')
    let poured = 0
    const counting = (async () => {
      for (;;) poured = Number((await observer.next({ topic: 'poured', timeout: '20s' })).payload)
    })().catch(() => undefined)
    await expect.poll(() => poured).toBeGreaterThan(0)
    expect(await still(() => poured)).toBeLessThan(1000)
    for (let i = 0; i < 2000; i += 1) await listener.next()
    await expect.poll(() => poured).toBe(2000)
    await web.app.stop()
    await counting
  })

  it('requires a permission, and ends with the token that opened it', async () => {
    const guarded: readonly WrittenEntry[] = [
      { id: 'app:tokens', kind: 'security.token_store', key: 'a key of more than thirty-two characters' },
      {
        id: 'app:reads',
        kind: 'security.policy',
        actions: ['http.endpoint.access', 'process.send'],
        resources: '*',
        effect: 'allow',
      },
      {
        id: 'app:guarded',
        kind: 'http.router',
        meta: { server: 'app:web' },
        prefix: '/guarded',
        middleware: ['token_auth', 'endpoint_firewall'],
        options: { token_auth: { store: 'app:tokens' } },
      },
    ]
    await using web = await start(protocol, ...guarded, { ...stream('news'), meta: { router: 'app:guarded' } })
    await using observer = await web.app.probe({ name: 'observer' })
    const tokens = security.tokenStore('app:tokens')
    const issue = async (...policies: string[]) =>
      tokens.create({ actor: security.newActor('ann'), scope: security.newScope(policies) })
    const [reader, stranger] = [await issue('app:reads'), await issue()]
    const open = async (token: string) => Listener.open(web, '/guarded/news', { authorization: `Bearer ${token}` })
    expect((await open(stranger.token)).response.status).toBe(403)
    await using listener = await open(reader.token)
    await observer.next({ topic: 'open' })
    expect(await tokens.revoke({ id: reader.id })).toBe(1)
    expect(await listener.next()).toBeUndefined()
    expect((await open(reader.token)).response.status).toBe(401)
  })

  it('is refused beyond max_connections, and without a host', async () => {
    await using web = await start(protocol, stream('news', { max_connections: 1 }))
    await using _ = await Listener.open(web, '/news')
    expect((await web.fetch('/news')).status).toBe(503)
    await registry.apply([{ op: 'update', entry: stream('news', { max_connections: 2 }) }])
    await using second = await Listener.open(web, '/news')
    expect(second.response.status).toBe(200)
  })
})

const ways = protocols.flatMap((protocol) => ['inline', { min: 1, max: 1 }].map((pool) => [protocol, pool] as const))

describe.each(ways)('http.events() of a handler, over %s, pool %j', (protocol, pool) => {
  it('streams what a generator yields', async () => {
    await using web = await start(protocol, ...endpoint('count', pool))
    await using listener = await Listener.open(web, '/count', { 'last-event-id': '1' })
    expect([await listener.next(), await listener.next(), await listener.next(), await listener.next()]).toEqual([
      'id: 2\ndata: {"i":2}',
      'id: 3\ndata: {"i":3}',
      'data: two\ndata: lines',
      undefined,
    ])
  })

  it('notifies the generator when the client disconnects', async () => {
    await using web = await start(protocol, ...endpoint('wait', pool))
    await using observer = await web.app.probe({ name: 'observer' })
    const listener = await Listener.open(web, '/wait')
    expect([await listener.next(), await listener.next()]).toEqual(['data: begun', ':'])
    await listener[Symbol.asyncDispose]()
    await observer.next({ topic: 'gone' })
  })
})
