/** Services whose endpoints and connections are pinned to other networks than the services' own. */
import { join } from 'node:path'
import { entryId } from '@troupe/core'
import { processes, registry, security } from 'troupe'
import { startApp } from 'troupe/test'
import { describe, expect, it } from 'vitest'
import { startProxy } from '../../networks/proxy.ts'
import { Client, statusOf } from '../websocket/socket-app.ts'
import { protocols, startWebApp } from './web-app.ts'

const overlay = (name: string, isolate?: string, port = 1) => ({
  id: `app:${name}`,
  kind: 'network.socks5',
  host: '127.0.0.1',
  port,
  ...(isolate !== undefined && { isolate }),
})

describe.each(protocols)('max_isolation_keys, over %s', (protocol) => {
  const service = (more = {}) => ({ lifecycle: { auto_start: true }, ...more })
  const entries = [
    overlay('tor', 'actor'),
    { id: 'app:tokens', kind: 'security.token_store', key: 'a key of more than thirty-two characters' },
    {
      id: 'app:guarded',
      kind: 'http.router',
      meta: { server: 'app:web' },
      prefix: '/guarded',
      middleware: ['token_auth'],
      options: { token_auth: { store: 'app:tokens' } },
    },
    {
      id: 'app:mine',
      kind: 'http.endpoint',
      meta: { router: 'app:guarded', options: { network: 'app:tor' } },
      path: '/mine',
      func: 'app:may',
    },
  ]

  it('limits the actors that have threads in a service, and changes as it runs', async () => {
    await using web = await startWebApp({
      protocol,
      service: service({ max_isolation_keys: 2 }),
      endpoints: { may: { path: '/may', func: 'may' } },
      entries,
    })
    await using probe = await web.app.probe()
    const ask = async (actor: string) => {
      const { token } = await probe.run(async () =>
        security.tokenStore('app:tokens').create({ actor: security.newActor(actor), scope: security.newScope([]) }),
      )
      return (await web.fetch('/guarded/mine', { headers: { authorization: `Bearer ${token}` } })).status
    }
    expect([await ask('ann'), await ask('bob'), await ask('cid'), await ask('ann')]).toEqual([200, 200, 429, 200])
    const changed = { ...web.entry, max_isolation_keys: 3 }
    await web.app.app.run(async () => registry.apply([{ op: 'update', entry: changed }]))
    expect([await ask('cid'), await ask('dan')]).toEqual([200, 429])
  })

  it.each(['inline', 'threads'])(
    'are separated though the overlay, or its isolation, comes after the service: %s',
    async (pool) => {
      const places = {
        id: 'app:places',
        kind: 'http.endpoint',
        meta: { router: 'app:guarded', options: { network: 'app:tor' } },
        path: '/places',
        func: 'app:place',
      }
      await using stack = new AsyncDisposableStack()
      const { port } = await startProxy('127.0.0.2', stack)
      const together = [
        overlay('tor', undefined, port),
        ...entries.filter(({ id }) => id !== 'app:tor' && id !== 'app:mine'),
        places,
      ]
      await using web = await startWebApp({
        protocol,
        pool: pool === 'inline' ? pool : { max: 1 },
        endpoints: { place: { path: '/place', func: 'place' } },
        entries: together,
      })
      await using probe = await web.app.probe()
      const ask = async (actor: string) => {
        const { token } = await probe.run(async () =>
          security.tokenStore('app:tokens').create({ actor: security.newActor(actor), scope: security.newScope([]) }),
        )
        return (await web.fetch('/guarded/places', { headers: { authorization: `Bearer ${token}` } })).json()
      }
      await web.app.until('app:tor', 'Running')
      await expect.poll(async () => (await ask('ann')) === (await ask('bob'))).toBe(true)
      const isolating = overlay('tor', 'actor', port)
      await web.app.app.run(async () => registry.apply([{ op: 'update', entry: isolating }]))
      const [ann, bob] = [await ask('ann'), await ask('bob')]
      expect([typeof ann, typeof bob]).toEqual(['number', 'number'])
      expect(bob).not.toBe(ann)
      expect([await ask('ann'), await ask('bob')]).toEqual([ann, bob])
    },
  )

  it('is a positive whole number', async () => {
    await expect(startWebApp({ service: service({ max_isolation_keys: 0 }) })).rejects.toThrow(/max_isolation_keys/)
  })
})

describe('a WebSocket of a service in an overlay', () => {
  const lines: string[] = []

  /** The service’s threads are in `app:tor`; it listens in the clear. */
  async function start(sockets: Readonly<Record<string, unknown>>) {
    const program = (name: string, more: Readonly<Record<string, unknown>> = {}) => ({
      id: `app:${name}`,
      kind: 'process.ts',
      source: 'file://fixtures/programs.ts',
      method: 'echo',
      ...more,
    })
    const app = await startApp({
      root: join(import.meta.dirname, '../websocket'),
      set: ['network_service.default_network=app:tor'],
      onLog: (line) => void lines.push(line),
      entries: [
        overlay('tor'),
        overlay('other'),
        { id: 'app:host', kind: 'process.host', lifecycle: { auto_start: true } },
        program('follows'),
        program('pinned', { meta: { options: { network: 'app:other' } } }),
        program('accepting', { meta: { options: { network: 'app:other' } }, accepts: ['app:tor'] }),
        program('clear', { meta: { options: { network: null } } }),
        program('reluctant', { meta: { options: { network: null } }, accepts: [] }),
        { id: 'app:web', kind: 'http.service', addr: '127.0.0.1:0', network: null, lifecycle: { auto_start: true } },
        { id: 'app:router', kind: 'http.router', meta: { server: 'app:web' } },
        ...Object.entries(sockets).map(([name, fields]) => ({
          id: `app:${name}-socket`,
          kind: 'http.websocket',
          meta: { router: 'app:router' },
          path: `/${name}`,
          ...(typeof fields === 'object' ? fields : {}),
        })),
      ],
    })
    await app.until('app:web', 'Running')
    const { port } = app.app.address(entryId('app:web'))
    return {
      app,
      url: (name: string) => `ws://127.0.0.1:${port}/${name}`,
      [Symbol.asyncDispose]: async () => app.stop(),
    }
  }

  const one = (process: string) => ({ process: `app:${process}`, host: 'app:host' })
  /** The message names both networks, and what to do. */
  const words = (who: string, receiver: string) =>
    new RegExp(
      `${who} runs in ${receiver} and accepts no messages from overlay ` +
        `app:tor: let it accept them with "accepts: \\[app:tor\\]"`,
    )

  it('reaches a process of its own network, and one that accepts its messages', async () => {
    await using web = await start({ follows: one('follows'), accepting: one('accepting'), clear: one('clear') })
    for (const name of ['follows', 'accepting', 'clear']) {
      const client = await Client.open(web.url(name))
      expect(await client.ask('hello')).toBe('hello')
      client.close()
    }
  })

  it.each([
    ['pinned', 'overlay app:other'],
    ['reluctant', 'the clear network'],
  ])('is refused before it begins if the process does not accept its network: %s', async (name, receiver) => {
    await using web = await start({ [name]: one(name) })
    lines.length = 0
    expect(await statusOf(web.url(name))).toBe(403)
    await expect.poll(() => lines.find((line) => words(`app:${name}`, receiver).test(line))).toBeDefined()
    // No process is left behind.
    expect(Array.from(web.app.app.kernel.processes.all(), ({ entry }) => entry)).not.toContain(`app:${name}`)
  })

  it('is refused if its target does not accept its network', async () => {
    await using web = await start({ hall: { target: 'hall' }, open: { target: 'open' } })
    await web.app.app.run(async () => {
      await processes.withName('hall').spawn('app:pinned', 'app:host')
      await processes.withName('open').spawn('app:accepting', 'app:host')
    })
    lines.length = 0
    expect(await statusOf(web.url('hall'))).toBe(403)
    await expect.poll(() => lines.find((line) => words('hall', 'overlay app:other').test(line))).toBeDefined()
    expect(await (await Client.open(web.url('open'))).ask('hello')).toBe('hello')
  })
})
