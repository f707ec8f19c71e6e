import { security } from 'troupe'
import { describe, expect, it } from 'vitest'
import { protocols, startWebApp, type WebApp } from './web-app.ts'

const allow = (id: string, actions: readonly string[]) => ({
  id,
  kind: 'security.policy',
  effect: 'allow',
  actions,
  resources: ['*'],
})

const entries = [
  allow('app:service_may', ['test.read', 'socket.listen', 'security.token.validate']),
  allow('app:ann_may', ['test.write', 'test.enter']),
  { id: 'app:tokens', kind: 'security.token_store', key: 'a key of more than thirty-two characters' },
  {
    id: 'app:guarded',
    kind: 'http.router',
    meta: { server: 'app:web' },
    prefix: '/guarded',
    middleware: ['token_auth', 'endpoint_firewall'],
    options: { token_auth: { store: 'app:tokens' } },
  },
  {
    id: 'app:mine',
    kind: 'http.endpoint',
    meta: { router: 'app:guarded' },
    path: '/mine',
    func: 'app:may',
    permission: 'test.enter',
  },
  {
    id: 'app:guarded_held',
    kind: 'http.endpoint',
    meta: { router: 'app:guarded' },
    path: '/held',
    func: 'app:heldUntilEnd',
    permission: 'test.enter',
  },
  {
    id: 'app:guarded_streamed',
    kind: 'http.endpoint',
    meta: { router: 'app:guarded' },
    path: '/streamed',
    func: 'app:streamedUntilEnd',
    permission: 'test.enter',
  },
  {
    id: 'app:others',
    kind: 'http.endpoint',
    meta: { router: 'app:guarded' },
    path: '/others',
    func: 'app:may',
    permission: 'test.leave',
  },
] as const

async function asked(web: WebApp, path: string, token?: string): Promise<unknown> {
  const response = await web.fetch(path, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } })
  return response.status === 200 ? response.json() : response.status
}

const ways = protocols.flatMap((protocol) => [
  ['in its thread', protocol, 'inline'] as const,
  ['in others', protocol, { max: 1 }] as const,
])

describe.each(ways)('a service that runs functions %s, over %s', (_, protocol, pool) => {
  const start = async () =>
    startWebApp({
      protocol,
      pool,
      service: { lifecycle: { auto_start: true, security: { actor: { id: 'web' }, policies: ['app:service_may'] } } },
      endpoints: {
        may: { path: '/may', func: 'may' },
        held: { path: '/held', func: 'heldUntilEnd' },
        streamed: { path: '/streamed', func: 'streamedUntilEnd' },
      },
      entries,
    })

  it('gives them its actor and scope', async () => {
    await using web = await start()
    expect(await asked(web, '/may')).toEqual({ actor: 'web', read: true, write: false })
  })

  it('acts for the owner of a token, request by request', async () => {
    await using web = await start()
    await using probe = await web.app.probe()
    const { token } = await probe.run(async () =>
      security
        .tokenStore('app:tokens')
        .create({ actor: security.newActor('ann'), scope: security.newScope(['app:ann_may']) }),
    )
    const before = web.app.app.kernel.processes.size
    for (let round = 0; round < 3; round += 1) {
      expect(await asked(web, '/guarded/mine', token)).toEqual({ actor: 'ann', read: false, write: true })
      expect(await asked(web, '/may')).toEqual({ actor: 'web', read: true, write: false })
      expect(await asked(web, '/guarded/others', token)).toBe(403)
      expect(await asked(web, '/guarded/mine')).toBe(401)
      expect(await asked(web, '/guarded/mine', 'none')).toBe(401)
    }
    // Threads that handle requests are processes, too; no others remain.
    await expect.poll(() => web.app.app.kernel.processes.size).toBeLessThanOrEqual(before + 1)
  })

  it.each([
    ['revoked', 'before the answer', 'held'],
    ['revoked', 'in the answer', 'streamed'],
    ['expired', 'in the answer', 'streamed'],
  ])('ends the work of a token at once when it is %s, %s', async (how, _, path) => {
    await using web = await start()
    await using probe = await web.app.probe()
    const store = () => security.tokenStore('app:tokens')
    const ttl = how === 'expired' ? 3000 : '1h'
    const { id, token } = await probe.run(async () =>
      store().create({ actor: security.newActor('ann'), scope: security.newScope(['app:ann_may']), ttl }),
    )
    const logged = async (words: string) =>
      expect.poll(() => web.app.log.join(' '), { timeout: 120_000 }).toContain(words)
    const before = web.app.app.kernel.processes.size
    const asking = web.fetch(`/guarded/${path}`, { headers: { authorization: `Bearer ${token}` } })
    await logged('begun')
    const response = path === 'streamed' ? await asking : undefined
    if (how === 'revoked') await probe.run(async () => store().revoke({ id }))
    if (response === undefined) expect((await asking).status).toBe(403)
    else await expect(response.text()).rejects.toThrow('terminated')
    const heard = [`its token ${how === 'revoked' ? 'was revoked' : 'has expired'}, may not write`]
    await expect.poll(async () => asked(web, `/${path}?ends`), { timeout: 120_000 }).toEqual(heard)
    await expect.poll(() => web.app.app.kernel.processes.size).toBeLessThanOrEqual(before + 1)
    expect(await asked(web, '/may')).toEqual({ actor: 'web', read: true, write: false })
  })
})
