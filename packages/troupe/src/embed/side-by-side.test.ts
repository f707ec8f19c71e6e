/** Several applications in one program: each has its own of everything. */
import { execFile } from 'node:child_process'
import { mkdtempDisposableSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it, vi } from 'vitest'
import { runningOverlays } from '../app.ts'
import { cookieJar, env, funcs, http, processes, registry, start, type StartOptions, withNetwork } from '../index.ts'
import type * as imagesModule from './fixtures/images.ts'
import type * as jobModule from './fixtures/job.ts'
import { startSite } from './testing/site.ts'
import { startSocksProxy } from './testing/socks-proxy.ts'

const images = new URL('fixtures/images.ts', import.meta.url)
const service = new URL('fixtures/service.ts', import.meta.url)
const job = new URL('fixtures/job.ts', import.meta.url)
const run = promisify(execFile)
const several = { kind: 'Invalid', details: { reason: 'several' } }

/** The same ids in each application. */
function options(port: number, greeting = 'hello'): StartOptions {
  return {
    root: import.meta.dirname,
    onLog: () => {},
    networks: { tor: `socks5://127.0.0.1:${port}` },
    functions: { load: { source: images, method: 'load', pool: { max: 1 }, network: 'tor' } },
    services: { greeter: { source: service, input: [greeting] } },
  }
}

/** Two applications with the same ids, each with its proxy. */
async function startTwo(stack: AsyncDisposableStack) {
  const site = stack.use(await startSite())
  const [left, right] = [stack.use(await startSocksProxy()), stack.use(await startSocksProxy())]
  const a = stack.use(await start(options(left.port, 'from a')))
  const b = stack.use(await start(options(right.port, 'from b')))
  return { site, left, right, a, b, asked: () => [left.asked.length, right.asked.length] }
}

describe('two applications', () => {
  it('are started by the program alone: code in a thread of an application starts none', async () => {
    await using app = await start({ root: import.meta.dirname, onLog: () => {} })
    expect(await app.functions<typeof imagesModule>(images, { max: 1 }).startAnother()).toBe('AlreadyExists')
  })

  it('have networks, functions, services, processes and entries of their own', async () => {
    await using stack = new AsyncDisposableStack()
    const { site, a, b, asked } = await startTwo(stack)
    const load = async () => funcs.call('app:load', site.url)
    expect([await a.run(load), asked()]).toEqual(['from 127.0.0.9', [1, 0]])
    expect([await b.run(load), asked()]).toEqual(['from 127.0.0.9', [1, 1]])
    const greet = async () => processes.call('app:greeter', 'name', 1)
    expect([await a.run(greet), await b.run(greet)]).toEqual(['from a 1', 'from b 1'])

    const handle = await a.spawn(service, 'spawned')
    expect(await b.run(async () => handle.call('name', 2))).toBe('spawned 2')
    await b.functions<typeof imagesModule>(images, { max: 1, network: 'tor' }).load(site.url)
    expect(asked()).toEqual([1, 2])
    expect(await a.run(async () => withNetwork<typeof jobModule>('tor', job))).toMatchObject({ overlay: 'app:tor' })

    await a.run(async () => registry.apply([{ op: 'create', entry: { id: 'app:mine', kind: 'process.host' } }]))
    const isThere = async () =>
      registry.get('app:mine').then(
        () => true,
        () => false,
      )
    expect([await a.run(isThere), await b.run(isThere)]).toEqual([true, false])
    await b.service('greeter').stop()
    expect(a.service('greeter').status.state).toBe('Running')
    await expect(b.run(greet)).rejects.toMatchObject({ kind: 'NotFound' })

    const observed = await Promise.all([a.observe(), b.observe()])
    expect(observed.map(({ services }) => services.find(({ id }) => id === 'app:greeter')?.state)).toEqual([
      'Running',
      'Stopped',
    ])
  })

  it('share no connection of the program, no cookies, and count their own', async () => {
    await using stack = new AsyncDisposableStack()
    const { site, left, right, a, b } = await startTwo(stack)
    const isolation = 'one'
    const load = async () => (await http.get(site.url, { overlayNetwork: 'app:tor', isolation })).text()
    await a.run(load)
    await a.run(load)
    expect(right.asked).toEqual([])
    const before = left.asked.length
    await b.run(load)
    expect([left.asked.length, right.asked.length]).toEqual([before, 1])

    const cookies = await cookieJar()
    const withCookies = async () => {
      const response = await http.get(site.url, { overlayNetwork: 'app:tor', cookies })
      return response.text()
    }
    expect(await a.run(withCookies)).toContain('from')
    await expect(b.run(withCookies)).rejects.toThrow('use one jar for each network')
    const observed = await Promise.all([a.observe(), b.observe()])
    const opened = observed.map(({ overlays }) => overlays.map((each) => [each.overlay, each.opened]))
    expect(opened).toEqual([[['app:tor', left.asked.length]], [['app:tor', right.asked.length]]])
  })

  it('see and close their own connections alone', async () => {
    await using stack = new AsyncDisposableStack()
    const open = stack.use(await startSite((_, response) => response.write('begin')))
    const { a, b } = await startTwo(stack)
    const get = async () => http.get(open.url, { overlayNetwork: 'app:tor' })
    const [ofA, ofB] = [await a.run(get), await b.run(get)]
    const target = new URL(open.url).host
    const rowOf = async (app: typeof a) => {
      const { rows } = (await app.observe()).connections
      return rows.find((row) => row.target === target)
    }
    const [mine, others] = [await rowOf(a), await rowOf(b)]
    expect([mine, others]).toMatchObject([{ overlay: 'app:tor' }, { overlay: 'app:tor' }])
    expect(mine?.number).not.toBe(others?.number)
    a.application.closeConnection(others?.thread ?? 0, others?.number ?? 0)
    a.application.closeConnection(mine?.thread ?? 0, mine?.number ?? 0)
    expect(
      await ofA.text().then(
        () => 'whole',
        () => 'cut',
      ),
    ).toBe('cut')
    expect(await rowOf(b)).toMatchObject({ number: others?.number })
    await ofB.body?.cancel()
  })

  it('are never confused: what no application is named for is refused', async () => {
    await using stack = new AsyncDisposableStack()
    const { site, a, b, asked } = await startTwo(stack)
    await expect(funcs.call('app:load', site.url)).rejects.toMatchObject(several)
    await expect((async () => processes.send('app:greeter', 'name'))()).rejects.toMatchObject(several)
    await expect(registry.find()).rejects.toMatchObject(several)
    await expect(env.get('HOME')).rejects.toMatchObject(several)
    await expect(http.get(site.url)).rejects.toMatchObject(several)
    await expect(withNetwork<typeof jobModule>('tor', job)).rejects.toMatchObject(several)
    expect(asked()).toEqual([0, 0])

    // One is left: the program acts in it again, and never in the one that has stopped.
    await a.stop()
    expect(await processes.call('app:greeter', 'name', 1)).toBe('from b 1')
    await expect(a.run(async () => processes.call('app:greeter', 'name', 1))).rejects.toThrow('has stopped')
    await expect(a.spawn(service)).rejects.toMatchObject({ kind: 'Unavailable' })
    await b.stop()
    await expect(processes.call('app:greeter', 'name', 1)).rejects.toThrow('has stopped')
  })

  it('stop alone: requests of the other continue', async () => {
    await using stack = new AsyncDisposableStack()
    const arrived = Promise.withResolvers<void>()
    const answer = Promise.withResolvers<void>()
    const slow = stack.use(
      await startSite((_, response) => {
        arrived.resolve()
        void answer.promise.then(() => response.end('late'))
      }),
    )
    const { a, b } = await startTwo(stack)
    const asked = b.run(async () => (await http.get(slow.url, { overlayNetwork: 'app:tor' })).text())
    const clear = b.run(async () => (await http.get(`http://127.0.0.1:${slow.port}/`)).text())
    await arrived.promise
    await a.stop()
    answer.resolve()
    expect(await Promise.all([asked, clear])).toEqual(['late', 'late'])
  })

  it('start inside of one another, and are not part of one another', async () => {
    await using stack = new AsyncDisposableStack()
    const site = stack.use(await startSite())
    const proxy = stack.use(await startSocksProxy())
    const a = stack.use(await start(options(1, 'from a')))
    const b = stack.use(await a.run(async () => start({ ...options(proxy.port, 'from b'), ambient: false })))
    expect(await processes.call('app:greeter', 'name', 1)).toBe('from a 1')
    expect(await a.run(async () => b.run(async () => processes.call('app:greeter', 'name', 1)))).toBe('from b 1')
    await a.stop()
    expect(await b.functions<typeof imagesModule>(images, { max: 1, network: 'tor' }).load(site.url)).toContain('from')
    await expect(processes.call('app:greeter', 'name', 1)).rejects.toThrow('has stopped')
  })

  it('govern their own code', async () => {
    await using stack = new AsyncDisposableStack()
    const strict = { ...options(1), config: { security: { strict_mode: true } } }
    const a = stack.use(await start({ ...strict, functions: { outer: { source: images, method: 'callNetwork' } } }))
    const b = stack.use(
      await start({
        ...options(1),
        functions: {
          outer: { source: images, method: 'callNetwork', pool: { max: 1 } },
          network: { source: images, method: 'network', pool: { max: 1 } },
        },
      }),
    )
    const call = async () => funcs.call('app:outer', 'app:tor')
    await expect(a.run(call)).rejects.toMatchObject({ kind: 'PermissionDenied' })
    expect(await b.run(call)).toBe('app:tor')
  })
})

it('files in a folder that two share are separate, or the second is refused', async () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'troupe-shared-'))
  await using stack = new AsyncDisposableStack()
  const shared = { ...options(1), root: folder.path }
  const kept = { ...shared, config: { registry: { history: 'sqlite' } } } as const
  const a = stack.use(await start(kept))
  const version = await a.run(async () => registry.version())
  await expect(start(kept)).rejects.toMatchObject({
    kind: 'Conflict',
    message: expect.stringContaining('is in use by another application') as string,
  })
  expect(await registry.version()).toBe(version)

  const state = join(folder.path, '.troupe/net')
  const b = stack.use(await start({ ...shared, networks: { other: 'socks5://127.0.0.1:1' }, functions: {} }))
  const reported = async () => [...(await runningOverlays(state)).keys()].toSorted()
  await expect.poll(reported).toEqual(['app:other', 'app:tor'])
  await b.stop()
  await expect.poll(reported).toEqual(['app:tor'])

  // Durable messages are those of the first; the second has none.
  await processes.sendLater('app:greeter', 'name', 1, { in: '1h', durable: true, id: 'once' })
  const c = stack.use(await start({ ...shared, networks: {}, functions: {} }))
  const later = async () => processes.sendLater('app:greeter', 'name', 1, { in: '1h', durable: true, id: 'once' })
  await expect(c.run(later)).rejects.toMatchObject({ kind: 'Conflict' })
  await expect(a.run(later)).rejects.toMatchObject({ kind: 'AlreadyExists' })
})

describe('a program', () => {
  const program = (name: string) => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url))

  it('in an overlay belongs to one application: its sockets never use the network of another', async () => {
    await using stack = new AsyncDisposableStack()
    const site = stack.use(await startSite())
    const [left, right] = [stack.use(await startSocksProxy()), stack.use(await startSocksProxy())]
    const urls = [left, right].map(({ port }) => `socks5://127.0.0.1:${port}`)
    const { stdout } = await run(process.execPath, [program('program-in-overlay.ts'), ...urls, site.url])
    expect(JSON.parse(stdout)).toEqual([
      'from 127.0.0.9',
      expect.stringContaining("the program's own sockets belong to its overlay app:tor"),
      expect.stringContaining('runs in overlay app:tor and keeps that network'),
      expect.stringContaining('runs in overlay app:tor and keeps that network'),
      'from 127.0.0.9',
      // The thread keeps its network, until another application has it.
      'from 127.0.0.9',
      'from 127.0.0.9',
    ])
    const host = new URL(site.url).host
    expect([new Set(left.asked), new Set(right.asked)]).toEqual([new Set([host]), new Set([host])])
    expect(right.asked).toHaveLength(1)
  })

  it('with many applications, and modules that load again, ends by itself, without a warning', async () => {
    const { stdout, stderr } = await run(process.execPath, [program('many-applications.ts')])
    expect({ stdout, stderr }).toEqual({ stdout: '15', stderr: '' })
  })

  it('may contain this package twice, as after a reload of all modules', async () => {
    await using stack = new AsyncDisposableStack()
    const { site, a, asked } = await startTwo(stack)
    vi.resetModules()
    const copy = await import('../index.ts')
    const c = stack.use(await copy.start(options(1)))
    expect(c).not.toBeInstanceOf(a.constructor)
    expect(await copy.processes.call('app:greeter', 'name', 1)).toBe('hello 1')
    expect(await a.run(async () => funcs.call('app:load', site.url))).toBe('from 127.0.0.9')
    expect(asked()).toEqual([1, 0])
  })
})
