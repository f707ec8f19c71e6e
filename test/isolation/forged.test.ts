/** Hostile operating-system processes: what they say, hold and leave behind affects nothing but themselves. */
import { once } from 'node:events'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { processes } from 'troupe'
import { startApp, type TestApp } from 'troupe/test'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const canSeal = process.allowedNodeEnvironmentFlags.has('--allow-net')
const lifecycle = { auto_start: true }
let stack = new AsyncDisposableStack()
let app: TestApp
let folder = ''
/** A process that must not be affected. */
let neighbour = ''

beforeEach(async () => {
  stack = new AsyncDisposableStack()
  if (!canSeal) return
  folder = await mkdtemp(join(tmpdir(), 'troupe-forged-'))
  stack.defer(async () => rm(folder, { recursive: true, force: true }))
  const program = (method: string, file = 'forged.ts') => ({
    id: `app:${method}`,
    kind: 'process.ts',
    source: `file://${file}`,
    method,
  })
  app = await startApp({
    root: join(import.meta.dirname, '../fixtures/isolation'),
    entries: [
      {
        id: 'app:host',
        kind: 'process.host',
        host: { isolation: 'process', spares: 0, fs: { write: [folder] } },
        lifecycle,
      },
      { id: 'app:threads', kind: 'process.host', host: { spares: 0 }, lifecycle },
      program('echo', 'programs.ts'),
      ...['forge', 'pretend', 'sendBox', 'closePipe', 'hold', 'makeSetId'].map((method) => program(method)),
    ],
  })
  stack.defer(async () => app.stop())
  neighbour = await app.app.run(async () => processes.spawn('app:echo', 'app:threads'))
})
afterEach(async () => stack.disposeAsync())

const when = (possible: boolean) => (possible ? describe : noTests)

/** The list of tests shows what this Node supports. */
function noTests(): void {}

const endOf = async (method: string, ...args: readonly unknown[]) =>
  app.app.run(async () => processes.exited(await processes.spawn(`app:${method}`, 'app:host', ...args)))
const exec = async (method: string, ...args: readonly unknown[]) =>
  app.app.run(async () => processes.exec(`app:${method}`, 'app:host', ...args))
const askNeighbour = async () => app.app.run(async () => processes.call(neighbour, 'x', 1))

when(canSeal)('a process that lies to the kernel', () => {
  it.each(['it cannot start, without a reason', 'a long dead letter'])('is ended: %s', async (name) => {
    expect(await endOf('forge', name)).toMatchObject({
      error: { kind: 'Internal', message: expect.stringContaining('broke the protocol') as unknown },
    })
    expect(await askNeighbour()).toBe(1)
  })

  it('ends for its own reason, whatever that is', async () => {
    expect(await endOf('forge', 'it ended, for a reason without end')).toHaveProperty('error')
    expect(await askNeighbour()).toBe(1)
    const failed = app.log.filter((line) => line.includes('app:forge') && line.includes('forged'))
    expect(failed).toHaveLength(1)
  })

  it('says that it cannot start, for a reason without end, and is ended, or continues', async () => {
    await app.app.run(async () => {
      const pid = await processes.spawn('app:forge', 'app:host', 'it cannot start, for a reason without end')
      const end = processes.exited(pid)
      expect(await askNeighbour()).toBe(1)
      await processes.terminate(pid).catch(() => undefined)
      expect(await end).toHaveProperty('error')
    })
    expect(await askNeighbour()).toBe(1)
  })

  it('blames no entry that it does not run', async () => {
    await exec('pretend', 'a failure of an entry that it does not run')
    await expect.poll(() => app.log.filter((line) => line.includes('forged'))).toHaveLength(1)
    expect(app.log.find((line) => line.includes('forged'))).not.toContain('app:echo')
  })
})

when(canSeal)('a process that sends what no code could', () => {
  it.each(['a box of nothing', 'a box without lists', 'an error without end', 'a gap that is none'])(
    'harms no receiver: %s',
    async (name) => {
      await exec('sendBox', name, neighbour)
      expect(await askNeighbour()).toBe(1)
    },
  )
})

when(canSeal)('a process that is not heard any more', () => {
  it('is ended', async () => {
    expect(await endOf('closePipe')).toMatchObject({
      error: { message: expect.stringContaining('closed its channel to the kernel') as unknown },
    })
  })

  it('leaves no connection open in the program that it did not take', async () => {
    const server = net.createServer((socket) => socket.on('error', () => undefined))
    stack.defer(() => void server.close())
    const sockets = new Set<net.Socket>()
    const count = 50
    server.on('connection', (socket) => {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket)).resume()
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const before = (await readdir('/proc/self/fd')).length
    await app.app.run(async () => {
      const pid = await processes.spawn('app:hold', 'app:host', port, count)
      const end = processes.exited(pid)
      await expect.poll(() => sockets.size).toBe(count)
      await processes.terminate(pid)
      await end
    })
    await expect.poll(() => sockets.size).toBe(0)
    await expect.poll(async () => (await readdir('/proc/self/fd')).length).toBeLessThan(before + count)
  })
})

when(canSeal && process.platform === 'linux')('a process that may write files', () => {
  it('makes none that would run as the user of the program', async () => {
    expect(await exec('makeSetId', folder)).toEqual({
      user: 'EPERM',
      group: 'EPERM',
      created: 'EPERM',
      folder: 'EPERM',
      other: 'done',
      mode: '700',
    })
    for (const name of await readdir(folder)) expect((await stat(join(folder, name))).mode & 0o6000).toBe(0)
  })
})

when(!canSeal)('where Node has no permission for the network', () => {
  it('there are no such processes', () => {
    expect(process.versions.node.startsWith('24.')).toBe(true)
  })
})
