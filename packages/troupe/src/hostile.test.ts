/** Code that claims another identity than the one that the kernel started it with. */
import { join } from 'node:path'
import { asTroupeError } from '@troupe/core'
import { newActor } from '@troupe/policy'
import { describe, expect, it } from 'vitest'
import { processes, security } from './index.ts'
import { startApp, type TestApp, type WrittenEntry } from './test/index.ts'

const root = join(import.meta.dirname, 'testing/hostile')
const canSeal = process.allowedNodeEnvironmentFlags.has('--allow-net')
const hosts = [...(canSeal ? ['app:sealed'] : []), 'app:guarded', 'app:shared']

const program = (method: string): WrittenEntry => ({
  id: `app:${method}`,
  kind: 'process.ts',
  source: 'file://identity.ts',
  method,
})
const entries: readonly WrittenEntry[] = [
  ...hosts.map((id) => ({
    id,
    kind: 'process.host',
    host: {
      network: id === 'app:sealed' ? 'sealed' : 'guarded',
      ...(id === 'app:shared' ? { isolation: 'shared', workers: 1 } : { spares: 0 }),
    },
    lifecycle: { auto_start: true },
  })),
  { id: 'app:nothing', kind: 'security.policy', effect: 'deny', actions: '*', resources: '*' },
  {
    id: 'app:plugin',
    kind: 'security.policy',
    effect: 'allow',
    actions: ['process.spawn', 'process.exec', 'process.host', 'process.registry.register'],
    resources: ['app:respawn', 'app:supervisor/mallory', ...hosts],
  },
  { id: 'app:banks', kind: 'security.policy', effect: 'allow', actions: 'process.spawn', resources: 'app:bank' },
  { id: 'app:proxy', kind: 'network.socks5', host: '127.0.0.1', port: 9, username: 'u', password: 'the-password' },
  { id: 'app:supervisor', kind: 'process.supervisor', lifecycle: { auto_start: true } },
  { id: 'app:bank', kind: 'function.ts', source: 'file://identity.ts', method: 'bank', pool: { min: 0, max: 1 } },
  ...['honest', 'server', 'route', 'respawn', 'become'].map(program),
]
const web: readonly WrittenEntry[] = [
  { id: 'app:web', kind: 'http.service', addr: '127.0.0.1:0', lifecycle: { auto_start: true } },
  { id: 'app:api', kind: 'http.router', meta: { server: 'web' }, prefix: '/' },
  { id: 'app:price', kind: 'function.ts', source: 'file://identity.ts', method: 'price', pool: { min: 0, max: 1 } },
  { id: 'app:endpoint', kind: 'http.endpoint', meta: { router: 'api' }, method: 'GET', path: '/', func: 'app:price' },
  {
    id: 'app:socket',
    kind: 'http.websocket',
    meta: { router: 'api' },
    path: '/ws',
    process: 'app:honest',
    host: 'app:guarded',
  },
]

const start = async (...more: readonly WrittenEntry[]): Promise<TestApp> =>
  startApp({ root, entries: [...entries, ...more] })
const mallory = (...scope: readonly string[]) =>
  processes.withActor(newActor('mallory')).withScope(security.newScope(scope))

describe.each(hosts)('in %s, a program', (host) => {
  it('that claims to be the server gets no privilege of servers, with and without denying policies', async () => {
    await using _ = await start(...web)
    for (const spawner of [mallory('app:nothing'), processes.withContext({})]) {
      for (const way of [0, 1, 2, 3, 4]) {
        const given = await spawner
          .exec('app:server', host, way)
          .catch((error: unknown) => asTroupeError(error).message)
        // A message that no thread can send ends the thread.
        if (way === 1 || way === 4) expect(given).toMatch(/its thread was ended/)
        else expect(given).toEqual([])
      }
    }
  })

  it('that claims an overlay of another thread gets no route', async () => {
    await using _ = await start()
    await processes.withOptions({ network: 'app:proxy' }).spawn('app:honest', 'app:guarded')
    for (const spawner of [mallory('app:nothing'), processes.withContext({})]) {
      expect(await spawner.exec('app:route', host, false)).toBe('PermissionDenied')
      await expect(spawner.exec('app:route', host, true)).rejects.toThrow('its thread was ended')
    }
  })

  it('that may start its own program keeps its policies', async () => {
    await using app = await start()
    await processes.withName('honest').spawn('app:honest', 'app:guarded')
    const denied = 'PermissionDenied'
    // It does not learn that there is a process of that name.
    const mine = { actor: 'mallory', bank: denied, home: denied, clear: denied, send: 'NotFound' }
    const { exec } = mallory('app:plugin').withOptions({ network: 'app:proxy' })
    expect(await exec('app:respawn', host, host, 'exec')).toEqual({ mine, child: mine })
    // The child of a supervisor counts as the caller's, too.
    expect(await exec('app:respawn', host, host, 'child')).toEqual({ mine, started: true })
    await expect.poll(() => app.log.filter((line) => line.includes('respawned')).length).toBe(2)
    expect(app.log.filter((line) => line.includes('the money'))).toEqual([])
  })

  it('with policies becomes what it may start, and nothing else', async () => {
    await using _ = await start()
    expect(await mallory('app:plugin').exec('app:become', host, 'app:bank')).toBe('PermissionDenied')
    expect(await mallory('app:plugin', 'app:banks').exec('app:become', host, 'app:bank')).toBe('Invalid')
    expect(await mallory('app:plugin').exec('app:become', host, 'app:honest')).toBe('PermissionDenied')
  })
})
