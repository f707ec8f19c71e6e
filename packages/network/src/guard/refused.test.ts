/**
 * Each name that the table refuses: in an overlay with an error that names it and gives advice, in the clear network
 * not at all.
 */
import childProcess from 'node:child_process'
import cluster from 'node:cluster'
import crypto from 'node:crypto'
import dgram from 'node:dgram'
import dns from 'node:dns'
import { once } from 'node:events'
import inspector from 'node:inspector'
import promisedInspector from 'node:inspector/promises'
import Module, { isBuiltin } from 'node:module'
import net from 'node:net'
import { constants, devNull } from 'node:os'
import { DatabaseSync } from 'node:sqlite'
import tls from 'node:tls'
import workerThreads, { Worker } from 'node:worker_threads'
import { TroupeError } from '@troupe/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { seal } from '../sealed/sealed.ts'
import { installGuard } from './install.ts'
import { a, inNetwork, type Lab, startLab } from './testing/lab.ts'
import { titleOf } from './denied-apis.ts'
import { refusedWays } from './ways-out/refused.ts'

/** A call of a name, with what refuses it. */
type Calls = Readonly<Record<string, () => unknown>>

const loopback = '127.0.0.1'
/** Calls a function that the types do not have in every version of Node. */
function call(owner: unknown, name: string, ...args: readonly unknown[]): unknown {
  const method: unknown = Reflect.get(Object(owner), name)
  if (typeof method !== 'function') throw new TypeError(`there is no ${name}`)
  return Reflect.apply(method, owner, args)
}
const construct = (owner: unknown, name: string, ...args: readonly unknown[]): unknown => {
  const made: unknown = Reflect.get(Object(owner), name)
  if (typeof made !== 'function') throw new TypeError(`there is no ${name}`)
  return Reflect.construct(made, args)
}
const database = () => new DatabaseSync(':memory:', { allowExtension: true })
const withSession = async <T>(session: T & { connect(): void; disconnect(): void }, use: (session: T) => unknown) => {
  session.connect()
  try {
    await use(session)
  } finally {
    session.disconnect()
  }
}
const withUdp = (use: (socket: dgram.Socket) => unknown) => {
  const socket = dgram.createSocket('udp4')
  try {
    return use(socket)
  } finally {
    socket.close()
  }
}
const ended = async (child: childProcess.ChildProcess) => once(child, 'exit')

/** Refused in an overlay, and allowed in the clear network, where some fail for other reasons. */
const calls: Calls = {
  'child_process exec': async () => ended(childProcess.exec('true')),
  'child_process execFile': async () => ended(childProcess.execFile('true')),
  'child_process execFileSync': () => childProcess.execFileSync('true'),
  'child_process execSync': () => childProcess.execSync('true'),
  'child_process fork': async () => ended(childProcess.fork(devNull)),
  'child_process spawn': async () => ended(childProcess.spawn('true')),
  'child_process spawnSync': () => childProcess.spawnSync('true'),
  'child_process ChildProcess.prototype.spawn': () =>
    call(new childProcess.ChildProcess(), 'spawn', { file: 'true', args: ['true'] }),
  'cluster fork': async () => {
    cluster.setupPrimary({ exec: devNull })
    const worker = cluster.fork()
    worker.process.kill()
    await once(worker, 'exit')
  },
  'process dlopen': () => call(process, 'dlopen', { exports: {} }, devNull),
  'process binding': () => call(process, 'binding', 'util'),
  'process _linkedBinding': () => call(process, '_linkedBinding', 'nothing'),
  'inspector Session.prototype.connectToMainThread': () => new inspector.Session().connectToMainThread(),
  'inspector Session.prototype.post': async () =>
    withSession(new inspector.Session(), (session) => session.post('NodeWorker.disable')),
  'inspector/promises Session.prototype.post': async () =>
    withSession(new promisedInspector.Session(), async (session) => session.post('NodeWorker.disable')),
  'crypto setEngine': () => crypto.setEngine('/nonexistent/engine.so'),
  'tls createSecureContext': () => call(tls, 'createSecureContext', { clientCertEngine: '/nonexistent/engine.so' }),
  '_tls_common createSecureContext': () =>
    call(process.getBuiltinModule('_tls_common'), 'createSecureContext', {
      privateKeyEngine: '/nonexistent/engine.so',
      privateKeyIdentifier: 'x',
    }),
  'node:sqlite DatabaseSync.prototype.loadExtension': () => database().loadExtension('/nonexistent/extension.so'),
  'node:sqlite DatabaseSync.prototype.enableLoadExtension': () => database().enableLoadExtension(true),
  'node:ffi dlopen': () => call(process.getBuiltinModule('node:ffi'), 'dlopen', 'libc.so.6', {}),
  'node:ffi DynamicLibrary': () => construct(process.getBuiltinModule('node:ffi'), 'DynamicLibrary', 'libc.so.6'),
  'worker_threads Worker': async () => new Worker('', { eval: true }).terminate(),
  'worker_threads postMessageToThread': async () => workerThreads.postMessageToThread(1_000_000, 'x'),
  'module register': () => call(Module, 'register', 'data:text/javascript,'),
  'net BoundSocket': () => call(construct(net, 'BoundSocket', { host: loopback, port: 0 }), 'close'),
  'net _createServerHandle': () => call(call(net, '_createServerHandle', loopback, 0, 4), 'close'),
  'dgram _createSocketHandle': () => call(call(dgram, '_createSocketHandle', loopback, 0, 'udp4'), 'close'),
  'dgram Socket.prototype.bindSync': () =>
    withUdp((socket) => call(socket, 'bindSync', { port: 0, address: loopback })),
  'dgram Socket.prototype.connectSync': () => withUdp((socket) => call(socket, 'connectSync', 9, loopback)),
  'dgram Socket.prototype.addMembership': () => withUdp((socket) => socket.addMembership('224.0.0.114')),
  'dgram Socket.prototype.addSourceSpecificMembership': () =>
    withUdp((socket) => socket.addSourceSpecificMembership('127.0.0.1', '232.0.0.114')),
}
/** Would end this process, or change it permanently: called only in an overlay. */
const drastic: Calls = {
  'process execve': () => call(process, 'execve', '/bin/true', ['true']),
  'process _debugProcess': () => call(process, '_debugProcess', process.pid),
  'process kill': () => process.kill(process.pid, 'SIGUSR1'),
  'process _kill': () => call(process, '_kill', process.pid, constants.signals.SIGUSR1),
  'inspector open': () => inspector.open(0, loopback),
  'inspector/promises open': () => promisedInspector.open(0, loopback),
}
/** Each queries a server that does not exist, which shows that it sends a query. */
const queries: Calls = Object.fromEntries(
  refusedWays
    .filter(({ by }) => by === 'name-queries.ts')
    .flatMap(({ module, names }) => names.split(' ').map((name) => [`${module} ${name}`, query(module, name)])),
)

function query(module: string, name: string): () => unknown {
  const owner = module === 'dns' ? dns : dns.promises
  const requester = () => {
    if (!name.startsWith('Resolver.')) return owner
    const resolver = new owner.Resolver({ timeout: 10, tries: 1 })
    resolver.setServers([`${loopback}:9`])
    return resolver
  }
  const method = name.split('.').at(-1) ?? name
  const args = method === 'lookupService' ? [loopback, 80] : ['leak.test']
  if (module === 'dns/promises') return () => call(requester(), method, ...args)
  return async () =>
    new Promise<void>((resolve, reject) => {
      call(requester(), method, ...args, (error: unknown) => (error instanceof Error ? reject(error) : resolve()))
    })
}

async function attempt(use: () => unknown): Promise<unknown> {
  try {
    await use()
    return undefined
  } catch (error) {
    return error
  }
}

/** This version of Node, or its flags, may lack it. */
function isHere(row: string): boolean {
  const [module = '', name = ''] = row.split(' ')
  if (module === 'globalThis') return name in globalThis
  if (module !== 'process' && !isBuiltin(module)) return false
  return (
    name
      .split('.')
      .reduce<unknown>((owner, part) => Reflect.get(Object(owner), part), process.getBuiltinModule(module)) !==
    undefined
  )
}

const rows = refusedWays
  .flatMap(({ module, names, advice }) =>
    names.split(' ').map((name) => ({ row: `${module} ${name}`, module, name, advice })),
  )
  .filter(({ row }) => isHere(row))
const all: Calls = { ...calls, ...drastic, ...queries }
let lab: Lab

beforeAll(async () => {
  lab = await startLab()
  installGuard()
})
afterAll(async () => lab[Symbol.asyncDispose]())

it('has a call for each refused name', () => {
  expect(rows.map(({ row }) => row).filter((row) => !(row in all))).toEqual([])
})

describe('in an overlay', () => {
  it.each(rows)('$row is refused, with advice', async ({ row, module, name, advice }) => {
    const error = await inNetwork(a, async () => attempt(all[row] ?? (() => {})))
    expect(error).toMatchObject({
      kind: 'PermissionDenied',
      code: 'EOVERLAY',
      retryable: false,
      details: { overlay: a },
    })
    expect(String(error)).toContain(' is refused in overlay app:a: ')
    expect(String(error)).toContain(advice)
    if (refusedWays.every((way) => way.by === undefined || way.module !== module))
      expect(String(error)).toContain(titleOf(module, name))
  })
})

describe('in the clear', () => {
  // Queries of the public functions would leave this machine.
  const safe = rows.filter(({ row, name }) => row in calls || (row in queries && name.startsWith('Resolver.')))
  it.each(safe)('$row is Node’s own', async ({ row }) => {
    const error = await inNetwork(null, async () => attempt(all[row] ?? (() => {})))
    expect(error).not.toBeInstanceOf(TroupeError)
  })

  it('allows calls that fail by their arguments alone, in an overlay too', async () => {
    const outcomes = await inNetwork(a, async () => [
      await attempt(() => process.kill(process.pid, 0)),
      await attempt(() => database().enableLoadExtension(false)),
      await attempt(() => tls.createSecureContext({})),
      await attempt(async () =>
        withSession(new promisedInspector.Session(), async (session) => session.post('Runtime.getHeapUsage')),
      ),
    ])
    expect(outcomes).toEqual([undefined, undefined, undefined, undefined])
  })
})

// Last, because a thread is sealed permanently.
describe('in a sealed thread', () => {
  beforeAll(seal)

  it.each(rows.filter(({ row }) => !(row in queries)))('$row is refused, in the clear too', async ({ row }) => {
    for (const network of [a, null]) {
      expect(await inNetwork(network, async () => attempt(all[row] ?? (() => {})))).toMatchObject({
        kind: 'PermissionDenied',
        code: 'ESEALED',
      })
    }
  })
})
