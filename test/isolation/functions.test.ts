/** Functions whose pools are sealed: each call runs in an operating-system process. */
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { funcs, processes, security } from 'troupe'
import { startApp, type TestApp, type WrittenEntry } from 'troupe/test'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startProxy } from '../live/socks-proxy.ts'

const root = join(import.meta.dirname, '../fixtures/isolation')
const canSeal = process.allowedNodeEnvironmentFlags.has('--allow-net')
let stack = new AsyncDisposableStack()

beforeEach(() => {
  stack = new AsyncDisposableStack()
})
afterEach(async () => stack.disposeAsync())

const when = (possible: boolean) => (possible ? describe : noTests)

/** The list of tests shows what this Node supports. */
function noTests(): void {}

const entry = (method: string, pool: unknown, file = 'functions.ts'): WrittenEntry => ({
  id: `app:${method}`,
  kind: 'function.ts',
  source: `file://${file}`,
  method,
  pool,
})

async function start(...entries: readonly WrittenEntry[]): Promise<TestApp> {
  const app = await startApp({ root, entries })
  stack.defer(async () => app.stop())
  return app
}

const call = async ({ app }: TestApp, method: string, ...args: readonly unknown[]): Promise<unknown> =>
  app.run(async () => funcs.call(`app:${method}`, ...args))

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'troupe-sealed-pool-'))
  stack.defer(async () => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Number of launchers that this program has started: one for each process. */
async function launched(): Promise<number> {
  const tasks = await readdir('/proc/self/task')
  const lists = await Promise.all(tasks.map(async (task) => readFile(`/proc/self/task/${task}/children`, 'utf8')))
  const children = lists.flatMap((list) => list.split(' ').filter(Boolean))
  const names = await Promise.all(children.map(async (pid) => readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')))
  return names.filter((name) => name.startsWith('troupe-launch')).length
}

when(canSeal)('a function of a sealed pool', () => {
  it.each([{ sealed: true }, { isolation: 'process' }, { sealed: { require: 'namespaces' } }])(
    'sees nothing of the program: %j',
    async (pool) => {
      process.env['TROUPE_TEST_GIVEN'] = 'given'
      stack.defer(() => void Reflect.deleteProperty(process.env, 'TROUPE_TEST_GIVEN'))
      const app = await start(entry('look', { ...pool, env: ['TROUPE_TEST_GIVEN'] }, 'programs.ts'))
      expect(await call(app, 'look')).toEqual({
        pid: 1,
        hostname: 'sealed',
        env: { TROUPE_TEST_GIVEN: 'given' },
        execArgv: true,
      })
    },
  )

  it('reads its modules and what it was given, and writes where it may', async () => {
    const [folder, writable] = [await newFolder(), await newFolder()]
    await writeFile(join(folder, 'a'), 'given')
    const denied = 'ERR_ACCESS_DENIED'
    const app = await start(entry('files', { sealed: true, fs: { read: [folder], write: [writable] } }, 'programs.ts'))
    expect(
      await call(app, 'files', [join(folder, 'a'), '/etc/passwd'], [join(writable, 'b'), join(root, 'c')]),
    ).toEqual(['given', denied, 'ENOTDIR', denied, 'written', denied])
  })

  it('is connected by the kernel, through the overlay of its call', async () => {
    const server = net.createServer((socket) => socket.end('hello'))
    stack.defer(() => void server.close())
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const proxy = stack.use(await startProxy())
    const app = await start(entry('visit', { sealed: true, max: 2 }, 'programs.ts'), {
      id: 'app:proxy',
      kind: 'network.socks5',
      host: '127.0.0.1',
      port: proxy.port,
    })
    const through = funcs.withOptions({ network: 'app:proxy' })
    expect(await app.app.run(async () => through.call('app:visit', port, 'a.test'))).toBe('hello')
    expect([proxy.dials, [...proxy.names]]).toEqual([1, ['a.test']])
    expect(await call(app, 'visit', port)).toBe('hello')
    expect(proxy.dials).toBe(1)
  })

  it('exchanges plain data, and gets errors for more', async () => {
    const app = await start(entry('echo', { sealed: true, max: 1 }), entry('blob', { sealed: true, max: 1 }))
    const value = { map: new Map([[1, new Date(0)]]), bytes: new Uint8Array([1, 2]), list: [null, undefined, 1n] }
    expect(await call(app, 'echo', value)).toEqual(value)
    const invalid = { kind: 'Invalid' }
    await expect(call(app, 'echo', new Blob(['x']))).rejects.toMatchObject(invalid)
    await expect(call(app, 'blob')).rejects.toMatchObject(invalid)
    await expect(
      call(
        app,
        'echo',
        Array.from({ length: 200_000 }, () => ({})),
      ),
    ).rejects.toMatchObject(invalid)
    expect(await call(app, 'echo', 1)).toBe(1)
  })

  it('needs the permission to be called', async () => {
    const app = await start(entry('where', { sealed: true }), entry('nest', 'inline'), {
      id: 'app:nothing',
      kind: 'security.policy',
      effect: 'deny',
      actions: '*',
      resources: '*',
    })
    const mallory = funcs.withActor(security.newActor('mallory')).withScope(security.newScope(['app:nothing']))
    await expect(app.app.run(async () => mallory.call('app:nest', 'app:where'))).rejects.toMatchObject({
      kind: 'PermissionDenied',
    })
    expect(await launched()).toBe(0)
  })

  it('never runs in the thread of its caller, however busy its pool is', async () => {
    const app = await start(entry('where', { sealed: true, max: 1 }), entry('wait', { sealed: true, max: 1 }), {
      ...entry('nest', { max: 1 }),
    })
    const busy = call(app, 'wait', 1000)
    expect(await call(app, 'nest', 'app:where')).toBe(1)
    expect(await call(app, 'nest', 'app:wait', 1)).toBe('waited')
    expect(await busy).toBe('waited')
  })
})

when(canSeal)('a sealed pool', () => {
  it('has no more processes than it may, lets calls wait, and refuses more', async () => {
    const app = await start(entry('wait', { sealed: true, max: 1, queue: 1 }))
    const both = [call(app, 'wait', 500), call(app, 'wait', 1)]
    await expect(call(app, 'wait', 1)).rejects.toMatchObject({ kind: 'Unavailable', details: { queue: 1 } })
    expect(await Promise.all(both)).toEqual(['waited', 'waited'])
    expect(await launched()).toBe(1)
  })

  it('keeps processes between calls, and ends those that are idle', async () => {
    const app = await start(entry('count', { sealed: true, max: 1, idle_timeout: '20ms' }))
    expect([await call(app, 'count'), await call(app, 'count')]).toEqual([1, 2])
    await expect.poll(launched).toBe(0)
    expect(await call(app, 'count')).toBe(1)
  })

  it('keeps its least processes, and replaces those that end', async () => {
    const app = await start(entry('exit', { sealed: true, min: 1, max: 2 }, 'programs.ts'))
    await expect.poll(launched).toBe(1)
    await expect(call(app, 'exit', 7)).rejects.toMatchObject({
      message: 'app:exit: it called process.exit(7)',
      details: { entry: 'app:exit' },
    })
    await expect.poll(launched).toBe(1)
  })

  it('rejects the call whose process ends, and runs the next', async () => {
    const app = await start(
      entry('abort', { sealed: true, max: 1 }, 'programs.ts'),
      entry('hoard', { sealed: true, max: 1, limits: { memory_mb: 64 } }, 'programs.ts'),
      entry('loop', { sealed: true, max: 1, limits: { cpu: '1s' } }, 'programs.ts'),
      entry('spin', { sealed: true, max: 1, limits: { cpu: '1s' } }),
      entry('fail', { sealed: true, max: 1 }),
    )
    const words = (text: RegExp) => ({ message: expect.stringMatching(text) as unknown })
    await expect(call(app, 'abort')).rejects.toMatchObject(words(/was ended by SIG/))
    await expect(call(app, 'abort')).rejects.toMatchObject(words(/was ended by SIG/))
    await expect(call(app, 'hoard')).rejects.toMatchObject(words(/it ran out of heap/))
    await expect(call(app, 'spin')).rejects.toMatchObject(words(/time on the processor/))
    await expect(call(app, 'fail')).rejects.toMatchObject({ name: 'RangeError', message: 'as asked' })
  })

  it('asks a cancelled function to stop, and ends the process of one that does not', async () => {
    const app = await start(entry('obey', { sealed: true, max: 1 }), entry('spin', { sealed: true, max: 1 }))
    expect(await call(app, 'obey', false)).toBe(1)
    const late = funcs.withOptions({ timeout: 2000 })
    await expect(app.app.run(async () => late.call('app:obey', true))).rejects.toMatchObject({ kind: 'Timeout' })
    // It obeyed: its process still runs.
    expect(await call(app, 'obey', false)).toBe(3)
    for (let round = 0; round < 2; round += 1) {
      const controller = new AbortController()
      const spinning = app.app.run(async () => funcs.withOptions({ signal: controller.signal }).call('app:spin'))
      await expect.poll(launched).toBe(2)
      controller.abort()
      await expect(spinning).rejects.toMatchObject({ kind: 'Canceled' })
      await expect.poll(launched).toBe(1)
    }
  })

  it('runs the code that its entry names now', async () => {
    const app = await start(entry('echo', { sealed: true, max: 1 }), entry('wait', { sealed: true, max: 1 }))
    const before = call(app, 'wait', 1000)
    // The kernel takes requests in order: the call above is in its pool.
    expect(await call(app, 'echo', 5)).toBe(5)
    await app.app.registry.apply([
      { op: 'update', entry: { ...entry('echo', { sealed: true, max: 1 }), method: 'where' } },
      { op: 'update', entry: { ...entry('wait', { sealed: true, max: 1 }), method: 'where' } },
    ])
    expect(await call(app, 'echo', 5)).toBe(1)
    expect(await call(app, 'wait', 5)).toBe(1)
    // A call that had begun ends with the code that it began with.
    expect(await before).toBe('waited')
  })

  it('has a process for each network', async () => {
    const app = await start(entry('count', { sealed: true, max: 2 }), {
      id: 'app:proxy',
      kind: 'network.socks5',
      host: '127.0.0.1',
      port: 9,
    })
    const through = funcs.withOptions({ network: 'app:proxy' })
    expect([await call(app, 'count'), await call(app, 'count')]).toEqual([1, 2])
    expect(await app.app.run(async () => through.call('app:count'))).toBe(1)
    expect(await launched()).toBe(2)
  })

  it('says why its processes do not start, at each call', async () => {
    const before = process.env['TROUPE_LAUNCHER']
    process.env['TROUPE_LAUNCHER'] = join(await newFolder(), 'none')
    stack.defer(() => {
      process.env['TROUPE_LAUNCHER'] = before
    })
    const app = await start(entry('where', { sealed: true, min: 1, max: 1 }))
    for (let round = 0; round < 2; round += 1)
      await expect(call(app, 'where')).rejects.toMatchObject({
        kind: 'Unavailable',
        message: expect.stringContaining('the launcher of "isolation: process" is not at') as unknown,
      })
    expect(app.log.join('\n')).toContain('ended before it had work')
  })
})

when(canSeal)('the settings of a sealed pool', () => {
  it.each([
    [{ env: ['TZ'] }, 'pool.env: is for pools with "sealed: true" alone'],
    [{ limits: { cpu: '1s' } }, 'pool.limits: is for pools with "sealed: true" alone'],
    [{ isolation: 'thread', sealed: true }, 'pool.sealed: a pool with "isolation: thread" cannot be sealed'],
    [{ sealed: 'yes' }, 'pool.sealed: expected true, or { require: namespaces }'],
    [{ sealed: true, env: ['LD_PRELOAD'] }, 'such a variable could give permissions'],
    [{ sealed: true, fs: { read: ['here'] } }, 'expected an absolute path'],
  ])('are checked: %j', async (pool, words) => {
    await expect(start(entry('where', pool))).rejects.toThrow(words)
  })

  it('keep its function from being an endpoint, also later', async () => {
    const endpoint = [
      { id: 'app:web', kind: 'http.service', addr: '127.0.0.1:0', lifecycle: { auto_start: true } },
      { id: 'app:api', kind: 'http.router', meta: { server: 'web' }, prefix: '/' },
      { id: 'app:get', kind: 'http.endpoint', meta: { router: 'api' }, path: '/', func: 'app:where' },
    ]
    const words = 'func: app:where has a sealed pool, and endpoints run in threads of the program'
    await expect(start(entry('where', { sealed: true }), ...endpoint)).rejects.toThrow(words)
    const app = await start(entry('where', { max: 1 }), ...endpoint)
    const change = { op: 'update' as const, entry: entry('where', { sealed: true }) }
    await expect(app.app.registry.apply([change])).rejects.toThrow(words)
    expect(await call(app, 'where')).toBe(process.pid)
  })
})

when(canSeal)('a process in a sealed host', () => {
  it('calls functions, sealed or not', async () => {
    const app = await start(
      entry('where', { sealed: true, max: 1 }),
      entry('echo', { max: 1 }),
      { id: 'app:nest', kind: 'process.ts', source: 'file://functions.ts', method: 'nest' },
      {
        id: 'app:host',
        kind: 'process.host',
        host: { isolation: 'process', spares: 0 },
        lifecycle: { auto_start: true },
      },
    )
    const nest = async (...args: readonly unknown[]) =>
      app.app.run(async () => processes.exec('app:nest', 'app:host', ...args))
    expect(await nest('app:where')).toBe(1)
    expect(await nest('app:echo', { a: 1 })).toEqual({ a: 1 })
  })
})

when(!canSeal)('where Node has no permission for the network', () => {
  it('there are no sealed pools', async () => {
    await expect(start(entry('where', { sealed: true }))).rejects.toThrow('Node 26')
  })
})
