/**
 * Native code can open connections past any guard: overlays do not load it, except for addons that the application's
 * author named.
 */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { funcs, processes } from 'troupe'
import { type Application, boot } from 'troupe/app'
import { compilers, installPeers } from '../peers/install.ts'

const fixture = join(import.meta.dirname, '../fixtures/native')
let stack = new AsyncDisposableStack()
let folder = ''
let server: Server
let knocks = 0
let app: Application

beforeAll(async () => {
  await using starting = new AsyncDisposableStack()
  folder = await mkdtemp(join(tmpdir(), 'troupe-native-'))
  starting.defer(async () => rm(folder, { recursive: true }))
  await installPeers(compilers)
  const library = join(folder, 'knock.so')
  await promisify(execFile)(compilers.gcc.path, ['-shared', '-fPIC', '-o', library, join(fixture, 'knock.c')])
  for (const name of ['named', 'unnamed']) {
    const home = join(folder, 'node_modules', name)
    await mkdir(home, { recursive: true })
    await writeFile(join(home, 'package.json'), JSON.stringify({ name, main: 'addon.node' }))
    await cp(library, join(home, 'addon.node'))
  }
  await cp(join(fixture, 'src'), join(folder, 'src'), { recursive: true })
  await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module' }))
  await writeFile(join(folder, '.troupe.yaml'), 'network_service: { native: [named] }\n')
  server = createServer((socket) => {
    knocks += 1
    socket.on('error', () => {}).resume()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  starting.defer(() => void server.close())
  const address = server.address()
  // For the library: threads have copies of the environment, which native code does not read.
  process.env['KNOCK_PORT'] = String(typeof address === 'object' ? address?.port : 0)
  app = await boot({ root: folder, onLog: () => undefined })
  starting.defer(async () => app.stop())
  stack = starting.move()
})
afterAll(async () => stack.disposeAsync())

const inOverlay = processes.withOptions({ network: 'app:proxy' })
const run = async (entry: string, file: string, network: 'overlay' | 'clear') =>
  app.run(async () => (network === 'overlay' ? inOverlay : processes).exec(entry, 'app:threads', file))

async function expectKnock(load: () => Promise<unknown>): Promise<void> {
  const before = knocks
  expect(await load()).toBeUndefined()
  await expect.poll(() => knocks).toBe(before + 1)
}

async function expectRefusal(load: () => Promise<unknown>, what: string, advice: string): Promise<void> {
  const before = knocks
  const error = await load()
  expect(error).toMatchObject({ code: 'EOVERLAY' })
  expect(JSON.stringify(error)).toContain(`${what} is refused in overlay app:proxy: `)
  expect(JSON.stringify(error)).toContain(advice)
  expect(knocks).toBe(before)
}

describe('an extension of SQLite', () => {
  const load = async (network: 'overlay' | 'clear') => run('app:extension', join(folder, 'knock.so'), network)

  it('is refused in an overlay', async () => {
    await expectRefusal(async () => load('overlay'), 'sqlite.DatabaseSync.loadExtension', 'with network: null')
  })
  it('loads in the clear network, and opens a connection', async () => {
    await expectKnock(async () => load('clear'))
  })
})

describe('an addon', () => {
  const addon = (name: string) => join(folder, 'node_modules', name, 'addon.node')

  it('is refused in an overlay, in processes and in pools', async () => {
    await expectRefusal(
      async () => run('app:addon', addon('unnamed'), 'overlay'),
      'process.dlopen',
      'network_service.native',
    )
    const call = async () =>
      app.run(async () => funcs.withOptions({ network: 'app:proxy' }).call('app:addon_function', addon('unnamed')))
    await expectRefusal(call, 'process.dlopen', 'network_service.native')
  })
  it('loads in an overlay if network_service.native names its package', async () => {
    await expectKnock(async () => run('app:addon', addon('named'), 'overlay'))
    await expectKnock(async () =>
      app.run(async () => funcs.withOptions({ network: 'app:proxy' }).call('app:addon_function', addon('named'))),
    )
  })
  it('loads in the clear network', async () => {
    await expectKnock(async () => run('app:addon', addon('unnamed'), 'clear'))
  })
})
