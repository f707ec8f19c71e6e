import { join } from 'node:path'
import { processes, security } from 'troupe'
import { startApp, type TestApp, type WrittenEntry } from 'troupe/test'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'

const { target, dante, microsocks, tor } = inject('peers')
const root = join(import.meta.dirname, '../fixtures/plain')
const program = (method: string): WrittenEntry => ({
  id: `app:${method}`,
  kind: 'process.ts',
  source: 'file://programs.ts',
  method,
})
const proxy = (name: string, { host, port }: { host: string; port: number }): WrittenEntry => ({
  id: `app:${name}`,
  kind: 'network.socks5',
  host,
  port,
})
const allow = (name: string, ...actions: string[]): WrittenEntry => ({
  id: `app:${name}`,
  kind: 'security.policy',
  effect: 'allow',
  actions,
  resources: '*',
})
let app: TestApp

beforeAll(async () => {
  app = await startApp({
    root,
    entries: [
      { id: 'app:host', kind: 'process.host', lifecycle: { auto_start: true } },
      ...['datagrams', 'names', 'sockets'].map(program),
      ...[proxy('dante', dante), proxy('microsocks', microsocks), proxy('tor', tor.socks)],
      allow('all', '*'),
      allow('connect', 'socket.connect', 'socket.resolve'),
      allow('only_private', 'socket.connect', 'socket.private_ip'),
      { ...allow('by_port', 'socket.*'), conditions: [{ field: 'meta.port', operator: 'eq', value: target.http }] },
    ],
  })
})
afterAll(async () => app.stop())

const exec = async (entry: string, network: string | null, ...args: readonly unknown[]) =>
  app.app.run(async () => processes.withOptions({ network }).exec(`app:${entry}`, 'app:host', ...args))
const underPolicies = async (policies: readonly string[], ...args: readonly unknown[]) =>
  app.app.run(async () =>
    processes
      .withActor(security.newActor('ann'))
      .withScope(security.newScope(policies))
      .exec('app:sockets', 'app:host', ...args),
  )
const denied = (action: string, resource: string) => ({ code: 'EACCES', action, resource })

describe('datagrams of a process in an overlay', () => {
  it('are sent through dante, by any API', async () => {
    const from = { address: '127.0.0.1', family: 'IPv4', port: target.udp }
    expect(await exec('datagrams', 'app:dante', 'localhost', target.udp)).toEqual([
      ['whole', { ...from, size: 5 }],
      ['part', { ...from, size: 4 }],
      [null, 9],
      ['in pieces', { ...from, size: 9 }],
      true,
      ['connected', { ...from, size: 9 }],
    ])
  })

  it('are refused if the proxy carries none', async () => {
    await expect(exec('datagrams', 'app:microsocks', 'localhost', target.udp)).rejects.toMatchObject({
      kind: 'PermissionDenied',
      details: { code: 'EOVERLAY' },
    })
  })

  it('are sent as usual in the clear network', async () => {
    expect(await exec('datagrams', null, '127.0.0.1', target.udp)).toHaveLength(6)
  })
})

describe('DNS queries in an overlay', () => {
  it('are resolved by Tor, as far as it supports them', async () => {
    const refused = { code: 'EOVERLAY' }
    expect(await exec('names', 'app:tor', 'web.test', '192.0.2.1')).toEqual({
      resolve4: ['127.0.0.1'],
      resolve: ['127.0.0.1'],
      'resolve AAAA': { code: 'ENODATA' },
      'with ttl': [{ address: '127.0.0.1', ttl: 0 }],
      Resolver: ['127.0.0.1'],
      resolveMx: refused,
      reverse: ['web.test'],
    })
    expect(await exec('names', 'app:tor', 'nowhere.test', '192.0.2.2')).toMatchObject({
      resolve4: { code: 'ENOTFOUND' },
      reverse: { code: 'ENOTFOUND' },
    })
  })

  it('are refused if nothing resolves them', async () => {
    const refused = { code: 'EOVERLAY' }
    expect(await exec('names', 'app:microsocks', 'web.test', '192.0.2.1')).toEqual({
      resolve4: refused,
      resolve: refused,
      'resolve AAAA': refused,
      'with ttl': refused,
      Resolver: refused,
      resolveMx: refused,
      reverse: refused,
    })
  })
})

describe('plain sockets in the clear network, with policies', () => {
  it('need a permission for each operation', async () => {
    expect(await underPolicies(['app:only_private'], '127.0.0.1', target.http)).toMatchObject({
      connect: 'connected',
      fetch: 200,
      lookup: 4,
      listen: denied('socket.listen', '127.0.0.1'),
      bind: denied('socket.listen', '127.0.0.1'),
    })
    expect(await underPolicies(['app:connect'], '127.0.0.1', target.http)).toMatchObject({
      connect: denied('socket.private_ip', '127.0.0.1'),
      fetch: denied('socket.private_ip', '127.0.0.1'),
      'a Unix socket': { code: 'ENOENT' },
    })
    expect(await underPolicies([], 'localhost', target.http)).toEqual({
      connect: denied('socket.resolve', 'localhost'),
      fetch: denied('socket.resolve', 'localhost'),
      lookup: denied('socket.resolve', 'localhost'),
      'lookup by callback': denied('socket.resolve', 'localhost'),
      send: denied('socket.connect', 'localhost'),
      listen: denied('socket.listen', 'localhost'),
      'listen, and close at once': denied('socket.listen', 'localhost'),
      bind: denied('socket.listen', 'localhost'),
      'a Unix socket': denied('socket.connect', '/nonexistent/troupe.sock'),
    })
  })

  it('are allowed by name, and by port', async () => {
    expect(await underPolicies(['app:connect'], 'localhost', target.http)).toMatchObject({
      // The address that the name resolves to is checked when it is dialled.
      connect: { action: 'socket.private_ip' },
      lookup: expect.any(Number) as number,
    })
    expect(await underPolicies(['app:by_port'], '127.0.0.1', target.http)).toMatchObject({
      connect: 'connected',
      listen: { code: 'EACCES' },
    })
    expect(await underPolicies(['app:by_port'], '127.0.0.1', target.echo)).toMatchObject({
      connect: { code: 'EACCES' },
    })
  })

  it('work with a policy that allows everything, and without policies', async () => {
    const works = {
      connect: 'connected',
      fetch: 200,
      listen: undefined,
      'listen, and close at once': false,
      bind: undefined,
      'a Unix socket': { code: 'ENOENT' },
    }
    expect(await underPolicies(['app:all'], '127.0.0.1', target.http)).toMatchObject(works)
    expect(await exec('sockets', null, '127.0.0.1', target.http)).toMatchObject(works)
  })
})
