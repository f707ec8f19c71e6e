/** Processes that run as operating-system processes, seen from inside and from outside. */
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { processes } from 'troupe'
import { startApp, type TestApp } from 'troupe/test'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../fixtures/isolation')
const methods = [
  'echo',
  'many',
  'look',
  'files',
  'print',
  'exit',
  'crash',
  'abort',
  'loop',
  'hoard',
  'hoardBuffers',
  'visit',
  'ask',
  'sendBlob',
  'before',
  'after',
  'collect',
  'sendAtOnce',
  'sendAndEnd',
]
const canSeal = process.allowedNodeEnvironmentFlags.has('--allow-net')
let stack = new AsyncDisposableStack()
let folder = ''

beforeEach(async () => {
  stack = new AsyncDisposableStack()
  folder = await mkdtemp(join(tmpdir(), 'troupe-isolation-'))
  stack.defer(async () => rm(folder, { recursive: true, force: true }))
})
afterEach(async () => stack.disposeAsync())

async function start(host: object = {}): Promise<TestApp> {
  const app = await startApp({
    root,
    entries: [
      {
        id: 'app:host',
        kind: 'process.host',
        host: { isolation: 'process', spares: 0, ...host },
        lifecycle: { auto_start: true },
      },
      { id: 'app:threads', kind: 'process.host', host: { spares: 0 }, lifecycle: { auto_start: true } },
      ...methods.map((method) => ({ id: `app:${method}`, kind: 'process.ts', source: 'file://programs.ts', method })),
    ],
  })
  stack.defer(async () => app.stop())
  return app
}

const exec = async ({ app }: TestApp, method: string, ...args: readonly unknown[]) =>
  app.run(async () => processes.exec(`app:${method}`, 'app:host', ...args))

/** How a process of that program ends. */
async function endOf({ app }: TestApp, method: string, ...args: readonly unknown[]): Promise<unknown> {
  return app.run(async () => processes.exited(await processes.spawn(`app:${method}`, 'app:host', ...args)))
}

const when = (possible: boolean) => (possible ? describe : noTests)

/** The list of tests shows what this Node supports. */
function noTests(): void {}

async function childrenOf(pid: number): Promise<number[]> {
  const tasks = await readdir(`/proc/${pid}/task`)
  const lists = await Promise.all(tasks.map(async (task) => readFile(`/proc/${pid}/task/${task}/children`, 'utf8')))
  return lists.flatMap((list) => list.split(' ').filter(Boolean).map(Number))
}

/** The process that the launcher has started for us. */
async function isolated(): Promise<number> {
  for (const child of await childrenOf(process.pid)) {
    const name = await readFile(`/proc/${child}/comm`, 'utf8')
    const [inner] = name.startsWith('troupe-launch') ? await childrenOf(child) : []
    if (inner !== undefined) return inner
  }
  throw new Error('there is no such process')
}

when(canSeal)('a process of its own', () => {
  it('has, seen from outside, no capabilities, no network and its own namespaces', async () => {
    const app = await start()
    const pid = await app.app.run(async () => processes.spawn('app:echo', 'app:host'))
    expect(await app.app.run(async () => processes.call(pid, 'x', { a: [1] }))).toEqual({ a: [1] })
    const child = await isolated()
    const status = await readFile(`/proc/${child}/status`, 'utf8')
    expect(status).toMatch(/^CapEff:\s0+$/m)
    expect(status).toMatch(/^CapBnd:\s0+$/m)
    expect(status).toMatch(/^NoNewPrivs:\s1$/m)
    expect(status).toMatch(/^Seccomp:\s2$/m)
    for (const space of ['user', 'net', 'mnt', 'pid', 'ipc', 'uts']) {
      expect(await readlink(`/proc/${child}/ns/${space}`)).not.toBe(await readlink(`/proc/self/ns/${space}`))
    }
    const interfaces = (await readFile(`/proc/${child}/net/dev`, 'utf8')).split('\n').slice(2).filter(Boolean)
    expect(interfaces.map((line) => line.split(':')[0]?.trim())).toEqual(['lo'])
    await app.app.run(async () => processes.terminate(pid))
    await expect.poll(async () => childrenOf(process.pid).then((all) => all.includes(child))).toBe(false)
  })

  it('sees nothing of the program: its environment, its host, other processes', async () => {
    process.env['TROUPE_TEST_SECRET'] = 'canary'
    process.env['TROUPE_TEST_GIVEN'] = 'given'
    stack.defer(() => {
      delete process.env['TROUPE_TEST_SECRET']
      delete process.env['TROUPE_TEST_GIVEN']
    })
    const app = await start({ env: ['TROUPE_TEST_GIVEN'] })
    expect(await exec(app, 'look')).toEqual({
      pid: 1,
      hostname: 'sealed',
      env: { TROUPE_TEST_GIVEN: 'given' },
      execArgv: true,
    })
  })

  it('reads the modules that it runs, and configured folders', async () => {
    const [given, writable, secret] = [join(folder, 'given'), join(folder, 'writable'), join(folder, 'secret')]
    await mkdir(given)
    await mkdir(writable)
    await writeFile(join(given, 'a'), 'given')
    await writeFile(secret, 'canary')
    const app = await start({ fs: { read: [given], write: [writable] } })
    const read = [join(given, 'a'), secret, folder, '/etc/passwd', '/proc/self/environ', '/proc/1/mem']
    const write = [join(writable, 'b'), join(given, 'c'), join(root, 'd'), join(folder, 'e')]
    const denied = 'ERR_ACCESS_DENIED'
    expect(await exec(app, 'files', read, write)).toEqual([
      ...['given', denied, denied, denied, denied, denied],
      ...['ENOTDIR', denied, denied, denied, denied, denied],
      ...['written', denied, denied, denied],
    ])
    expect(await readFile(join(writable, 'b'), 'utf8')).toBe('written')
  })

  it('is connected by the kernel', async () => {
    const server = net.createServer((socket) => socket.end('hello'))
    stack.defer(() => void server.close())
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const app = await start()
    expect(await exec(app, 'visit', port)).toBe('hello')
    expect(await exec(app, 'visit', port, 'localhost')).toBe('hello')
  })

  it('exchanges messages with threads and with others like it', async () => {
    const app = await start()
    const [thread, own] = await app.app.run(async () =>
      Promise.all([processes.spawn('app:echo', 'app:threads'), processes.spawn('app:echo', 'app:host')]),
    )
    for (const to of [thread, own])
      expect(await exec(app, 'ask', to, new Map([['bytes', new Uint8Array([1, 2])]]))).toEqual(
        new Map([['bytes', new Uint8Array([1, 2])]]),
      )
    for (const to of [thread, own]) {
      await expect(exec(app, 'sendBlob', to)).rejects.toMatchObject({
        kind: 'Invalid',
        message: expect.stringContaining('Blob') as unknown,
      })
    }
    await expect(app.app.run(async () => processes.send(own, 'x', new Blob(['x'])))).rejects.toMatchObject({
      kind: 'Invalid',
    })
  })

  it('exchanges as many values as one message may hold, and gets an error for more', async () => {
    const app = await start()
    const [few, tooMany] = [40_000, 100_000]
    expect(await exec(app, 'many', few)).toHaveLength(few)
    const words = /holds more values than one message may/
    expect(await endOf(app, 'many', tooMany)).toMatchObject({
      error: { kind: 'Invalid', message: expect.stringMatching(words) as unknown },
    })
    await app.app.run(async () => {
      const pid = await processes.spawn('app:echo', 'app:host')
      const list = (count: number) => Array.from({ length: count }, () => ({}))
      expect(await processes.call(pid, 'x', list(few))).toHaveLength(few)
      await expect(processes.call(pid, 'x', list(tooMany))).rejects.toMatchObject({
        kind: 'Invalid',
        message: expect.stringMatching(words) as unknown,
      })
      const [bytes, numbers] = [new Uint8Array(8 << 20), Array.from({ length: 400_000 }, (_, n) => n)]
      expect(await processes.call(pid, 'x', bytes)).toHaveLength(bytes.length)
      expect(await processes.call(pid, 'x', numbers)).toHaveLength(numbers.length)
      // Together they are more than one message may hold; each is a message of its own.
      expect(
        await Promise.all(Array.from({ length: 8 }, async () => processes.call(pid, 'x', list(few / 2)))),
      ).toHaveLength(8)
    })
  })

  it('gets what fits, in order, from a thread that was not introduced; the rest is refused', async () => {
    const app = await start()
    await app.app.run(async () => {
      const pid = await processes.spawn('app:collect', 'app:host')
      const end = processes.exited(pid)
      const [fits, tooMany] = [40_000, 100_000]
      const refused = ['', '', '', '', 'Invalid', 'Invalid', '']
      expect(await processes.exec('app:sendAtOnce', 'app:threads', pid, fits, tooMany)).toEqual(refused)
      const large = ['large', fits]
      expect(await end).toEqual({ value: ['first', large, large, large, 'last'] })
    })
  })

  it('does not get a message that is too large: if its sender has ended, it is a dead letter', async () => {
    const app = await start()
    const pid = await app.app.run(async () => processes.spawn('app:collect', 'app:host'))
    await app.app.run(async () => processes.exec('app:sendAndEnd', 'app:threads', pid, 100_000))
    await expect.poll(() => app.log.join('\n')).toMatch(/lost.*holds more values than one message may/)
  })

  it('becomes another program', async () => {
    expect(await exec(await start(), 'before')).toBe('kept')
  })
})

when(canSeal)('the end of a process of its own', () => {
  it('reports the reason', async () => {
    const app = await start({ limits: { memory_mb: 64 } })
    expect(await endOf(app, 'exit', 7)).toMatchObject({ error: { message: 'it called process.exit(7)' } })
    expect(await endOf(app, 'crash')).toMatchObject({ error: { name: 'RangeError', message: 'requested' } })
    expect(await endOf(app, 'hoard')).toMatchObject({ error: { message: 'it ran out of heap' } })
    expect(await endOf(app, 'hoardBuffers')).toMatchObject({
      error: { message: expect.stringMatching(/allocat/i) as unknown },
    })
    expect(await endOf(app, 'abort')).toMatchObject({
      error: { message: expect.stringMatching(/was ended by SIG/) as unknown },
    })
  })

  it('arrives also while it never returns to its event loop', async () => {
    const app = await start()
    await app.app.run(async () => {
      const pid = await processes.spawn('app:loop', 'app:host')
      const end = processes.exited(pid)
      await processes.call(pid, 'go')
      await processes.terminate(pid)
      expect(await end).toMatchObject({ error: { kind: 'Canceled' } })
    })
  })

  it('arrives in any state of its start', async () => {
    const app = await start()
    await app.app.run(async () => {
      for (let wait = 0; wait < 60; wait += 5) {
        const pid = await processes.spawn('app:echo', 'app:host')
        const end = processes.exited(pid)
        await new Promise((resolve) => setTimeout(resolve, wait))
        await processes.terminate(pid)
        expect(await end).toMatchObject({ error: { kind: 'Canceled' } })
      }
    })
  })

  it('arrives when its CPU time is used up', async () => {
    const app = await start({ limits: { cpu: '2s' } })
    await app.app.run(async () => {
      const pid = await processes.spawn('app:loop', 'app:host')
      const end = processes.exited(pid)
      await processes.call(pid, 'go')
      expect(await end).toMatchObject({
        error: { kind: 'Internal', message: expect.stringContaining('time on the processor') as unknown },
      })
    })
  })
})

when(canSeal)('a host of such processes', () => {
  it('has settings of its own', async () => {
    const host = { id: 'app:host', kind: 'process.host', host: { fs: {}, limits: { cpu: '1s' } } }
    await expect(startApp({ entries: [host] })).rejects.toThrow('host.fs: is for "isolation: process" alone')
    await expect(start({ env: ['NODE_OPTIONS'] })).rejects.toThrow('such a variable could give permissions')
  })

  it('does not start without its launcher', async () => {
    const before = process.env['TROUPE_LAUNCHER']
    process.env['TROUPE_LAUNCHER'] = join(folder, 'none')
    stack.defer(() => {
      process.env['TROUPE_LAUNCHER'] = before
    })
    const { log } = await start()
    await expect.poll(() => log.join('\n')).toContain('the launcher of "isolation: process" is not at')
  })
})

when(!canSeal)('where Node has no permission for the network', () => {
  it('has no such host', async () => {
    await expect(start()).rejects.toThrow('Node 26')
  })
})
