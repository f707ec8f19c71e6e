/** What the dashboard withstands: busy threads, silent clients, other programs, and other applications. */
import { once } from 'node:events'
import { mkdtempDisposableSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { attachFiles, boot } from 'troupe/app'
import { processes } from 'troupe'
import { expect, it } from 'vitest'
import { Events, root, startScene } from './dashboard-app.ts'

const patience = 60_000

it('keeps the processes of a busy thread, and ends them', async () => {
  await using scene = await startScene()
  await using events = new Events(scene, scene.place.reader)
  await scene.app.run(async () => {
    const pid = await processes.spawn('app:counts', 'app:threads')
    const states = () => events.all.filter(({ type }) => type === 'state')
    const isShown = () => states().some(({ rows }) => rows?.some((row) => row.pid === pid))
    await expect.poll(isShown, { timeout: patience }).toBe(true)
    // It does not return from this message.
    processes.send(pid, 'loop').catch(() => undefined)
    const silent = () => states().filter((state) => Array.isArray(state['silent']) && state['silent'].length > 0)
    await expect.poll(() => silent().length, { timeout: patience }).toBeGreaterThan(1)
    expect(states().filter(({ gone }) => gone?.includes(pid))).toEqual([])
    expect((await scene.act({ action: 'terminate', pid })).status).toBe(200)
    const isGone = () => states().some(({ gone }) => gone?.includes(pid))
    await expect.poll(isGone, { timeout: patience }).toBe(true)
  })
})

it('keeps operators in while other connections send nothing', async () => {
  await using scene = await startScene()
  await using events = new Events(scene, scene.place.operator)
  await expect.poll(() => events.all.length, { timeout: patience }).toBeGreaterThan(0)
  const silent: Socket[] = []
  try {
    for (let i = 0; i < 300; i += 1) {
      const socket = connect(scene.port, '127.0.0.1').on('error', () => undefined)
      await once(socket, 'connect')
      silent.push(socket)
    }
    expect((await scene.request('/dead', { token: scene.place.operator })).status).toBe(200)
    const count = events.all.length
    await expect.poll(() => events.all.length, { timeout: patience }).toBeGreaterThan(count + 1)
  } finally {
    for (const socket of silent) socket.destroy()
  }
})

it('keeps streams of events for operators', async () => {
  await using scene = await startScene()
  await using open = new AsyncDisposableStack()
  const { reader, operator } = scene.place
  const look = async (token: string) => {
    const { status, body } = await scene.request('/events', { token })
    open.defer(async () => body?.cancel())
    return status
  }
  for (let i = 0; i < 12; i += 1) expect(await look(reader)).toBe(200)
  expect(await look(reader)).toBe(503)
  expect(await look(operator)).toBe(200)
})

it('leaves the socket of another program, and what is no socket', async () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'troupe-dashboard-used-'))
  const [path, file] = [join(folder.path, 'used.sock'), join(folder.path, 'file')]
  const server = createServer((socket) => socket.on('error', () => undefined).end('of another')).listen(path)
  await once(server, 'listening')
  writeFileSync(file, 'text')
  await expect(startScene({ dashboard: { addr: `unix:${path}` } })).rejects.toThrow('another program listens there')
  await expect(startScene({ dashboard: { addr: `unix:${file}` } })).rejects.toThrow('exists and is no socket')
  expect(readFileSync(file, 'utf8')).toBe('text')
  expect(await text(connect(path))).toBe('of another')
  server.close()
})

it('shows the services of its own application, and keeps its file', async () => {
  const entry = { id: 'app:other', kind: 'process.host', host: { spares: 0 }, lifecycle: { auto_start: true } }
  await using scene = await startScene()
  await using events = new Events(scene, scene.place.reader)
  await expect.poll(() => events.all.length, { timeout: patience }).toBeGreaterThan(0)
  await using other = await startScene({ entries: [entry] })
  await using others = new Events(other, other.place.reader)
  const changed = (of: Events) => of.all.some(({ changes }) => changes?.some(({ id }) => id === 'app:other'))
  await expect.poll(() => changed(others), { timeout: patience }).toBe(true)
  const ticks = () => events.all.filter(({ type }) => type === 'services').length
  const before = ticks()
  await expect.poll(ticks, { timeout: patience }).toBeGreaterThan(before + 2)
  expect(changed(events)).toBe(false)
  const { stateDir } = scene.app.config.networkService
  const sections = { network_service: { state_dir: stateDir }, dashboard: { addr: '127.0.0.1:0' } }
  await expect(boot({ root, network: null, onLog: () => undefined, entries: [], sections })).rejects.toThrow(
    'another application of this program has',
  )
  expect(readFileSync(attachFiles(stateDir, process.pid).dashboard, 'utf8')).toContain(scene.place.operator)
  // A command does not serve it.
  const options = { root, network: null, onLog: () => undefined, entries: [], sections, dashboard: false }
  await (await boot(options)).stop()
})
