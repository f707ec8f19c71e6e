import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { registry } from 'troupe'
import { startApp } from 'troupe/test'
import { describe, expect, it } from 'vitest'
import { loopbackNetwork } from '../../overlays/loopback/kind.ts'
import { nextData, protocols, startWebApp, type WebApp } from './web-app.ts'

const get = async (web: WebApp, path: string, init: Parameters<WebApp['fetch']>[1] = {}) => web.fetch(path, init)
const text = async (web: WebApp, path: string) => (await get(web, path)).text()

const functionOf = (method: string, pool: unknown = 'inline') => ({
  id: `app:${method}`,
  kind: 'function.ts',
  source: 'file://fixtures/handlers.ts',
  method,
  pool,
})
const endpointOf = (path: string, func: string) => ({
  id: `app:at${path.replaceAll(/[^a-z]/g, '-')}`,
  kind: 'http.endpoint',
  meta: { router: 'app:router' },
  path,
  func: `app:${func}`,
})

describe('an http.service', () => {
  it.each([
    ['that its handler ends', '/exit', 'it called process.exit(3)'],
    ['that its handler holds up', '/loop', 'something loops in its thread'],
  ])('%s is restarted', async (_, path, reason) => {
    await using web = await startWebApp({
      service: { timeouts: { stall: '300ms' } },
      endpoints: {
        exit: { path: '/exit', func: 'exit' },
        loop: { path: '/loop', func: 'loop' },
        hello: { path: '/hello', func: 'hello' },
      },
    })
    await expect(get(web, path)).rejects.toThrow('fetch failed')
    await web.app.until('app:web', 'Failed')
    expect(web.app.service('app:web').error?.message).toContain(reason)
    await web.app.clock.advance(2000)
    await web.app.until('app:web', 'Running')
    const { port } = web.app.app.address(web.id)
    expect(await (await fetch(`http://127.0.0.1:${port}/hello`)).text()).toBe('hello world')
  })

  it('finishes running requests before it stops, and accepts no new ones', async () => {
    await using web = await startWebApp({
      endpoints: { held: { path: '/held', func: 'held' } },
    })
    await using ear = await web.app.probe({ name: 'ear' })
    const kept = connect(web.port, '127.0.0.1')
    kept.write('GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await once(kept, 'data')
    const held = text(web, '/held')
    const asked = await ear.next({ topic: 'held' })
    const stopped = web.app.app.stopService(web.id)
    // An idle connection ends at once; no new connections are accepted.
    await once(kept, 'close')
    await expect(get(web, '/held')).rejects.toThrow('fetch failed')
    asked.reply('let go')
    expect(await held).toBe('let go')
    await stopped
    expect(web.app.service('app:web').state).toBe('Stopped')
  })

  it.each(['', 'GET /held HTTP/1.1\r\nHost: loc'])(
    'does not wait for a client without a request: %j',
    async (bytes) => {
      await using web = await startWebApp({
        service: { lifecycle: { auto_start: true, stop_timeout: '1h' } },
        endpoints: { held: { path: '/held', func: 'held' } },
      })
      const silent = connect(web.port, '127.0.0.1')
      await once(silent, 'connect')
      silent.write(bytes)
      // By then the server has accepted the connection, and read its data.
      expect((await get(web, '/nowhere')).status).toBe(404)
      await web.app.app.stopService(web.id)
      expect(web.app.service('app:web').state).toBe('Stopped')
      silent.destroy()
    },
  )

  it.each(protocols)('is aborted when it does not stop in time, over %s', async (protocol) => {
    await using web = await startWebApp({
      protocol,
      service: { lifecycle: { auto_start: true, stop_timeout: '1s' } },
      endpoints: { held: { path: '/held', func: 'held' } },
    })
    await using ear = await web.app.probe({ name: 'ear' })
    const held = text(web, '/held').catch(() => 'cut off')
    await ear.next({ topic: 'held' })
    const stopped = web.app.app.stopService(web.id)
    await web.app.until('app:web', 'Stopping')
    await web.app.clock.advance(1000)
    await stopped
    expect(await held).toBe('cut off')
  })

  it('waits for an address that is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const address = other.address()
    const port = typeof address === 'object' && address ? address.port : 0
    await using web = await startWebApp({ endpoints: {} })
    const entry = { id: 'app:second', kind: 'http.service', addr: `127.0.0.1:${port}`, lifecycle: { auto_start: true } }
    await registry.apply([{ op: 'create', entry }])
    const { state, error } = web.app.service('app:second')
    expect([state, error?.kind, error?.message]).toEqual([
      'Failed',
      'Unavailable',
      expect.stringContaining('EADDRINUSE'),
    ])
    other.close()
    await once(other, 'close')
    await web.app.clock.advance(2000)
    await web.app.until('app:second', 'Running')
  })

  it('applies limits without closing a connection, and restarts for another address', async () => {
    await using web = await startWebApp({ endpoints: { size: { method: 'POST', path: '/size', func: 'size' } } })
    const socket = connect(web.port, '127.0.0.1').setEncoding('latin1')
    const ask = async () => {
      socket.write('POST /size HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello')
      const chunk = await nextData(socket)
      return chunk.split('\r\n')[0]
    }
    expect(await ask()).toBe('HTTP/1.1 200 OK')
    const entry = { id: 'app:web', kind: 'http.service', addr: '127.0.0.1:0', lifecycle: { auto_start: true } }
    await registry.apply([{ op: 'update', entry: { ...entry, limits: { body: 4 } } }])
    expect(await ask()).toBe('HTTP/1.1 413 Payload Too Large')
    await registry.apply([{ op: 'update', entry: { ...entry, addr: 'localhost:0' } }])
    expect(web.app.app.address(web.id).port).not.toBe(web.port)
    socket.destroy()
  })
})

describe.each(protocols)('routes, over %s', (protocol) => {
  it('are added, changed and removed while the server runs', async () => {
    await using web = await startWebApp({ protocol, endpoints: {} })
    expect((await get(web, '/new')).status).toBe(404)
    await registry.apply([
      { op: 'create', entry: functionOf('hello') },
      { op: 'create', entry: endpointOf('/new', 'hello') },
    ])
    expect(await text(web, '/new')).toBe('hello world')
    await registry.apply([{ op: 'update', entry: functionOf('hello', { max: 1 }) }])
    expect(await text(web, '/new')).toBe('hello world')
    await registry.apply([{ op: 'update', entry: { ...endpointOf('/new', 'hello'), method: 'POST' } }])
    expect((await get(web, '/new')).status).toBe(405)
    await registry.apply([
      { op: 'update', entry: { id: 'app:router', kind: 'http.router', meta: { server: 'app:web' }, prefix: '/api' } },
    ])
    expect(await (await get(web, '/api/new', { method: 'POST' })).text()).toBe('hello world')
    await registry.apply([{ op: 'delete', entry: { id: 'app:at-new' } }])
    expect((await get(web, '/api/new', { method: 'POST' })).status).toBe(404)
  })

  it('that two entries define are refused, and nothing changes', async () => {
    await using web = await startWebApp({ protocol, endpoints: { hello: { path: '/users/{id}', func: 'hello' } } })
    const change = registry.apply([{ op: 'create', entry: endpointOf('/users/{name}', 'hello') }])
    await expect(change).rejects.toThrow(/GET \/users\/\{(?:name|id)\} is app:\S+ already/)
    expect(await text(web, '/users/1')).toBe('hello world')
  })

  it('keep running requests on the former ones', async () => {
    await using web = await startWebApp({
      protocol,
      endpoints: { held: { path: '/held', func: 'held' } },
    })
    await using ear = await web.app.probe({ name: 'ear' })
    const held = text(web, '/held')
    const asked = await ear.next({ topic: 'held' })
    await registry.apply([{ op: 'delete', entry: { id: 'app:held-endpoint' } }])
    expect((await get(web, '/held')).status).toBe(404)
    asked.reply('let go')
    expect(await held).toBe('let go')
  })
})

describe('a service on an overlay that is outbound only', () => {
  it('fails permanently, and reports it', async () => {
    const proxy = { id: 'app:proxy', kind: 'network.socks5', host: '127.0.0.1', port: 9 }
    const service = {
      id: 'app:web',
      kind: 'http.service',
      addr: ':0',
      network: 'app:proxy',
      lifecycle: { auto_start: true },
    }
    await using app = await startApp({ entries: [proxy, service] })
    await app.until('app:web', 'Exited')
    expect(app.service('app:web').error).toMatchObject({
      kind: 'Invalid',
      message: expect.stringMatching(/outbound only/) as unknown,
    })
  })
})

describe('a service that identifies clients by the overlay', () => {
  it.each([
    ['in its thread', 'inline', 'one'],
    ['in others', { max: 1 }, 'two'],
  ])('acts for them %s', async (_, pool, name) => {
    await using network = await loopbackNetwork()
    await using web = await startWebApp({
      pool,
      overlays: [network],
      service: { addr: ':0', network: `app:${name}`, identity: 'tailscale' },
      endpoints: { user: { path: '/', func: 'reported' } },
      entries: [
        { id: `app:${name}`, kind: 'network.loopback', host: `${name}.loop` },
        { id: `app:to_${name}`, kind: 'network.loopback', host: 'there.loop' },
      ],
    })
    expect(await web.visit('/', `app:to_${name}`)).toMatchObject({
      actor: 'tailscale:user:visitor',
      remoteAddress: 'visitor.loop',
    })
  })
})
