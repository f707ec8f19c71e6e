import { type EntryId, entryId, isPid } from '@troupe/core'
import { newActor, Scope } from '@troupe/policy'
import { currentParticipant, processes } from '@troupe/process'
import type { EntryInput } from '@troupe/registry'
import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { startKernel } from '../testing/start-kernel.ts'
import { tokenStore } from '../tokens/tokens.ts'
import { middleware, type MiddlewareContext } from './index.ts'
import { type MiddlewareName, middlewareOptions } from './options.ts'

const entries: readonly EntryInput[] = [
  {
    id: entryId('app:tokens'),
    kind: 'security.token_store',
    fields: { key: 'a key of more than thirty-two characters' },
  },
  {
    id: entryId('app:reads'),
    kind: 'security.policy',
    fields: { actions: 'http.endpoint.access', resources: 'app:read', effect: 'allow' },
  },
  { id: entryId('app:admin'), kind: 'security.policy', fields: { actions: 'admin', resources: '*', effect: 'allow' } },
]

const ann = newActor('ann', { role: 'reader' })

interface Server extends AsyncDisposable {
  ask(path: string, headers?: Readonly<Record<string, string>>): Promise<Response>
  /** Callbacks that wait for the ends of responses. */
  readonly ends: (() => void)[]
  token(...policies: string[]): Promise<{ readonly id: string; readonly token: string }>
  /** Number of records in the kernel. */
  readonly acting: () => number
}

async function serve(names: readonly MiddlewareName[], options: z.input<typeof middlewareOptions>): Promise<Server> {
  const kernel = await startKernel({ root: import.meta.dirname, entries })
  const ends: (() => void)[] = []
  const endpoints: Readonly<Record<string, { id: EntryId; permission?: string }>> = {
    '/read': { id: entryId('app:read') },
    '/write': { id: entryId('app:write') },
    '/admin': { id: entryId('app:write'), permission: 'admin' },
  }
  const tools: MiddlewareContext = {
    peer: () => '192.0.2.1',
    endpoint: ({ req }) => endpoints[req.path],
    onEnd: (_, then) => ends.push(then),
    failed: () => undefined,
    cut: () => undefined,
  }
  const app = new Hono()
  app.onError((error) => new Response(error.message, { status: 500 }))
  const parsed = middlewareOptions().parse(options)
  for (const name of names) app.use(middleware(name, parsed, tools))
  app.get('/fail', () => {
    throw new Error('as it was asked to')
  })
  app.get('*', () => {
    const { frame, pid } = currentParticipant()
    return Response.json({ actor: frame.actor ?? null, scope: frame.scope ?? null, pid })
  })
  return {
    ask: async (path, headers = {}) => kernel.run(async () => app.request(path, { headers })),
    ends,
    token: async (...policies) => tokenStore('app:tokens').create({ actor: ann, scope: new Scope(policies) }),
    acting: () => kernel.kernel.processes.size,
    async [Symbol.asyncDispose]() {
      for (const end of ends) end()
      await kernel[Symbol.asyncDispose]()
    },
  }
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const store = entryId('app:tokens')

describe('token_auth', () => {
  it('lets the handler act for the actor of the token, until the response has ended', async () => {
    await using server = await serve(['token_auth'], { tokenAuth: { store } })
    const before = server.acting()
    const { token } = await server.token('app:reads')
    const response = await server.ask('/read', bearer(token))
    const { pid, ...who } = z.looseObject({ pid: z.string().refine(isPid) }).parse(await response.json())
    expect(who).toEqual({ actor: ann, scope: ['app:reads'] })
    expect(server.acting()).toBe(before + 1)
    server.ends[0]?.()
    await expect.poll(server.acting).toBe(before)
    await expect(processes.terminate(pid)).rejects.toMatchObject({ kind: 'NotFound' })
  })

  it('refuses requests without a token or with a wrong one, with a challenge (RFC 6750)', async () => {
    await using server = await serve(['token_auth'], { tokenAuth: { store, realm: 'our "house"' } })
    const { token, id } = await server.token()
    const refused = async (headers: Readonly<Record<string, string>>) => {
      const { status, headers: answered } = await server.ask('/read', headers)
      return `${status} ${answered.get('www-authenticate')}`
    }
    const plain = '401 Bearer realm="our \\"house\\""'
    const wrong = `${plain}, error="invalid_token"`
    expect(await refused({})).toBe(plain)
    expect(await refused({ authorization: `Basic ${token}` })).toBe(plain)
    expect(await refused(bearer('nonsense'))).toBe(wrong)
    expect(await refused(bearer('x'.repeat(5000)))).toBe(wrong)
    expect(await refused(bearer(`${token}, Bearer ${token}`))).toBe(wrong)
    await tokenStore('app:tokens').revoke({ id })
    expect(await refused(bearer(token))).toBe(wrong)
  })

  it('takes it from a cookie or the query if configured, and from nowhere else', async () => {
    await using server = await serve(['token_auth'], {
      tokenAuth: { store, header: false, cookie: 'session', query: 'access_token' },
    })
    const { token } = await server.token()
    const statuses = [
      await server.ask('/read', { cookie: `a=b; session=${token}` }),
      await server.ask(`/read?access_token=${token}`),
      await server.ask('/read', bearer(token)),
    ]
    expect(statuses.map(({ status }) => status)).toEqual([200, 200, 401])
    await using strict = await serve(['token_auth'], { tokenAuth: { store } })
    expect((await strict.ask(`/read?access_token=${token}`, { cookie: `session=${token}` })).status).toBe(401)
  })

  it('without required, runs clients without a token as the service; still refuses a wrong token', async () => {
    await using server = await serve(['token_auth'], { tokenAuth: { store, required: false } })
    expect(await (await server.ask('/read')).json()).toMatchObject({ actor: null, scope: null })
    expect((await server.ask('/read', bearer('nonsense'))).status).toBe(401)
  })

  it('leaves nothing behind when the handler fails', async () => {
    await using server = await serve(['token_auth'], { tokenAuth: { store } })
    const before = server.acting()
    const { token } = await server.token()
    expect((await server.ask('/fail', bearer(token))).status).toBe(500)
    server.ends[0]?.()
    await expect.poll(server.acting).toBe(before)
  })
})

describe('endpoint_firewall', () => {
  it('evaluates the policies of the client for the endpoint, or for the named permission', async () => {
    await using server = await serve(['token_auth', 'endpoint_firewall'], { tokenAuth: { store } })
    const may = async (...policies: string[]) => {
      const { token } = await server.token(...policies)
      const paths = ['/read', '/write', '/admin', '/nowhere']
      return Promise.all(paths.map(async (path) => (await server.ask(path, bearer(token))).status))
    }
    expect(await may()).toEqual([403, 403, 403, 404])
    expect(await may('app:reads')).toEqual([200, 403, 403, 404])
    expect(await may('app:reads', 'app:admin')).toEqual([200, 403, 200, 404])
    expect(await may('app:gone')).toEqual([403, 403, 403, 404])
  })

  it('refuses if the client is unknown', async () => {
    await using open = await serve(['endpoint_firewall'], {})
    expect((await open.ask('/read')).status).toBe(403)
    await open[Symbol.asyncDispose]()
    await using optional = await serve(['token_auth', 'endpoint_firewall'], { tokenAuth: { store, required: false } })
    expect((await optional.ask('/read')).status).toBe(403)
  })

  it('counts requests of an actor from any address', async () => {
    await using server = await serve(['token_auth', 'rate_limit'], {
      tokenAuth: { store },
      rateLimit: { limit: 1, window: '1h', key: 'actor' },
    })
    const [first, second] = [await server.token(), await server.token()]
    expect([
      (await server.ask('/read', bearer(first.token))).status,
      (await server.ask('/read', bearer(second.token))).status,
    ]).toEqual([200, 429])
  })
})
