/**
 * The contract of an `http.service` on every overlay that listens. A driver's tests call {@link httpListenerContract}
 * with two members of the real thing: services listen on one, and the other visits them.
 */
import { join } from 'node:path'
import { entryId, TroupeError } from '@troupe/core'
import { type Frame, http, registry, type RequestOptions } from 'troupe'
import { type Probe, startApp, type StartAppOptions, type TestApp, type WrittenEntry } from 'troupe/test'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Certificates, makeCertificates } from './certificates.ts'

/**
 * @example
 * ```ts
 * httpListenerContract('network.loopback', async () => {
 *   const network = await loopbackNetwork()
 *   return {
 *     app: { overlays: [network] },
 *     listener: { id: 'app:here', kind: 'network.loopback', host: 'here.loop' },
 *     visitor: { id: 'app:there', kind: 'network.loopback', host: 'there.loop' },
 *     changed: (times) => ({ id: 'app:here', kind: 'network.loopback', host: 'here.loop', version: times + 1 }),
 *     peer: { address: 'visitor.loop' },
 *     [Symbol.asyncDispose]: async () => network[Symbol.asyncDispose](),
 *   }
 * })
 * ```
 */
export interface HttpListenerFixture extends AsyncDisposable {
  /** What the application needs in addition to entries: kinds of overlays, settings. */
  readonly app?: Pick<StartAppOptions, 'overlays' | 'set' | 'config'>
  /** The overlay that services listen on. */
  readonly listener: WrittenEntry
  /** Another member, which visits them. */
  readonly visitor: WrittenEntry
  /** The listener's entry with a change that makes the overlay be built again, at the same place in the overlay. */
  changed(times: number): WrittenEntry
  /** The peer that a handler sees when `visitor` connects, as far as it is known in advance. */
  readonly peer: Readonly<Record<string, unknown>>
  /** The actor of a service with `identity` when `visitor` connects. Absent if the overlay identifies no visitors. */
  readonly actor?: string
  /** Set if the overlay itself ends TLS: the authority of its certificate, if that is not a public one. */
  readonly tls?: { readonly ca?: string }
  /** The maximum time of a visit before it is retried. @default 10s */
  readonly timeout?: string
}

const allow = { id: 'app:all', kind: 'security.policy', effect: 'allow', actions: ['*'], resources: ['*'] } as const

/** Milliseconds within which a place must be reachable. */
const patience = 120_000

/** Defines the suite. `fixture` is called when the tests run. */
export function httpListenerContract(name: string, fixture: () => Promise<HttpListenerFixture>): void {
  describe(`an http.service on ${name}`, () => {
    const stack = new AsyncDisposableStack()
    let given: HttpListenerFixture
    let world: World
    let certificates: Certificates

    beforeAll(async () => {
      given = stack.use(await fixture())
      certificates = stack.use(await makeCertificates())
      world = stack.use(await World.start(given))
    })
    afterAll(async () => stack.disposeAsync())

    it('is reached by the overlay, and its handlers get the peer; they do not run in its overlay', async () => {
      await using service = await world.serve('plain', {})
      expect(await service.visit('/a')).toMatchObject({ path: '/a', peer: given.peer })
      expect(await world.overlayOfHandler()).toBeUndefined()
    })

    it('acts for the peer of the overlay, if configured and known', async () => {
      const { actor } = given
      if (actor === undefined) return
      await using service = await world.serve('known', { identity: 'tailscale' })
      expect(await service.visit('/known')).toMatchObject({ path: '/known' })
      expect((await world.frameOfHandler()).actor).toMatchObject({ id: actor })
    })

    it('replies by its overlay if configured', async () => {
      await using service = await world.serve('reply', { reply_via: 'same' })
      expect(await service.visit('/b')).toMatchObject({ path: '/b' })
      expect(await world.overlayOfHandler()).toBe(given.listener.id)
    })

    it('listens in the new overlay when the old one is replaced', async () => {
      await using service = await world.serve('swapped', {})
      for (let times = 1; times <= 3; times += 1) {
        await registry.apply([{ op: 'update', entry: given.changed(times) }])
        expect(await service.visit(`/${times}`)).toMatchObject({ path: `/${times}` })
      }
    })

    it('is refused permanently if network.bind is not allowed', async () => {
      const policies = ['app:no_bind', 'app:all']
      const { state, error } = await world.refused('refused', {
        lifecycle: { security: { actor: { id: 'ann' }, policies } },
      })
      expect([state, error?.kind, error?.details]).toEqual([
        'Exited',
        'PermissionDenied',
        expect.objectContaining({ action: 'network.bind', resource: given.listener.id }),
      ])
    })

    it('is refused permanently if it names a host of this machine', async () => {
      const { state, error } = await world.refused('hosted', { addr: '127.0.0.1:0' })
      expect([state, error?.kind]).toEqual(['Exited', 'Invalid'])
    })

    it('has the certificate of the overlay, if there is one', async () => {
      const expected = given.tls === undefined ? { state: 'Exited', kind: 'Invalid' } : { path: '/c', peer: given.peer }
      expect(await world.autoTls('/c')).toMatchObject(expected)
    })

    it('authenticates clients by their certificates', async () => {
      const { server, client, stranger, ca, caFile } = certificates
      const tls = { cert: server.cert, key: server.key, client_ca: `file://${caFile}`, client_auth: 'verify' }
      await using service = await world.serve('mutual', { tls })
      const ours = { ca, serverName: 'service.test' }
      expect(await service.visit('/d', { tls: { ...ours, cert: client.cert, key: client.key } })).toMatchObject({
        path: '/d',
        peer: given.peer,
      })
      await expect(
        service.once('/e', { tls: { ...ours, cert: stranger.cert, key: stranger.key } }),
      ).rejects.toBeInstanceOf(TroupeError)
      await expect(service.once('/e', { tls: ours })).rejects.toBeInstanceOf(TroupeError)
    })
  })
}

/** A running service. */
interface Served extends AsyncDisposable {
  /** Returns what its handler sends, once it is reachable. */
  visit(path: string, options?: RequestOptions): Promise<unknown>
  /** Returns the same, at the first try. */
  once(path: string, options?: RequestOptions): Promise<unknown>
}

class World implements AsyncDisposable {
  readonly #given: HttpListenerFixture
  readonly #app: TestApp
  readonly #ear: Probe

  private constructor(given: HttpListenerFixture, app: TestApp, ear: Probe) {
    this.#given = given
    this.#app = app
    this.#ear = ear
  }

  static async start(given: HttpListenerFixture): Promise<World> {
    const { listener, visitor } = given
    const entries: readonly WrittenEntry[] = [
      listener,
      visitor,
      allow,
      { ...allow, id: 'app:no_bind', effect: 'deny', actions: ['network.bind'], resources: [listener.id] },
      { id: 'app:reported', kind: 'function.ts', source: 'file://handlers.ts', method: 'reported', pool: 'inline' },
    ]
    const app = await startApp({ root: join(import.meta.dirname, '../fixtures/http-listener'), ...given.app, entries })
    return new World(given, app, await app.probe({ name: 'ear' }))
  }

  async serve(name: string, fields: Readonly<Record<string, unknown>>): Promise<Served> {
    await this.#create(name, fields)
    await this.#app.until(`app:${name}`, 'Running')
    const { host, port } = this.#app.app.address(entryId(`app:${name}`))
    const url = `${'tls' in fields ? 'https' : 'http'}://${host}:${port}`
    const once = async (path: string, options: RequestOptions = {}) =>
      this.#ear.run(async () => {
        const { timeout = '10s', visitor } = this.#given
        const response = await http.get(`${url}${path}`, { timeout, ...options, overlayNetwork: visitor.id })
        if (response.status !== 200) throw new Error(`${path} was answered with ${response.status}`)
        return response.json()
      })
    return {
      once,
      // Other members may need a while to learn of a place.
      visit: async (path, options) => vi.waitFor(async () => once(path, options), { timeout: patience, interval: 200 }),
      [Symbol.asyncDispose]: async () => this.#remove(name),
    }
  }

  /** A service that fails to start. */
  async refused(name: string, fields: Readonly<Record<string, unknown>>) {
    await this.#create(name, fields)
    await this.#app.until(`app:${name}`, 'Exited')
    const status = this.#app.service(`app:${name}`)
    await this.#remove(name)
    return status
  }

  /** The response of a service with the overlay's certificate, or the error that it ended with. */
  async autoTls(path: string): Promise<unknown> {
    const fields = { tls: { mode: 'auto' } }
    const { tls } = this.#given
    if (tls === undefined) {
      const { state, error } = await this.refused('auto', fields)
      return { state, kind: error?.kind }
    }
    await using service = await this.serve('auto', fields)
    return await service.visit(path, { tls })
  }

  /** The frame of the handler that responded last. */
  async overlayOfHandler(): Promise<unknown> {
    return (await this.frameOfHandler()).overlay
  }

  async frameOfHandler(): Promise<Frame> {
    return (await this.#ear.next({ topic: 'frame' })).frame
  }

  async #create(name: string, { lifecycle = {}, ...fields }: Readonly<Record<string, unknown>>): Promise<void> {
    const started = { auto_start: true, ...(typeof lifecycle === 'object' ? lifecycle : {}) }
    await this.#ear.run(async () =>
      registry.apply([
        {
          op: 'create',
          entry: {
            id: `app:${name}`,
            kind: 'http.service',
            addr: ':0',
            network: this.#given.listener.id,
            ...fields,
            lifecycle: started,
          },
        },
        { op: 'create', entry: { id: `app:${name}-router`, kind: 'http.router', meta: { server: `app:${name}` } } },
        {
          op: 'create',
          entry: {
            id: `app:${name}-reported`,
            kind: 'http.endpoint',
            meta: { router: `app:${name}-router` },
            path: '/{path}',
            func: 'app:reported',
          },
        },
      ]),
    )
  }

  async #remove(name: string): Promise<void> {
    const ids = [`app:${name}-reported`, `app:${name}-router`, `app:${name}`]
    await this.#ear.run(async () => registry.apply(ids.map((id) => ({ op: 'delete', entry: { id } }))))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#app.stop()
  }
}
