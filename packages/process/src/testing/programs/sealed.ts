/** Programs for sealed hosts. */
import { AsyncLocalStorage } from 'node:async_hooks'
import dns from 'node:dns'
import { once } from 'node:events'
import net, { type Socket } from 'node:net'
import os from 'node:os'
import { text } from 'node:stream/consumers'
import { currentFrame, entryId } from '@troupe/core'
import { ask, currentRuntime, processes, self } from '@troupe/process'

/** What Node's permission model says that the thread has. */
export function permissions() {
  const has = (scope: string) => process.permission?.has(scope) ?? true
  return ['net', 'child', 'worker', 'addon', 'wasi', 'ffi', 'inspector', 'fs.write', 'fs.read'].filter(has)
}

/** What a diagnostic report shows of the environment, whatever code does to have it shown. */
export function reported() {
  process.report.excludeEnv = false
  const { apply } = Reflect
  const iterator = Reflect.get(Array.prototype, Symbol.iterator)
  Reflect.set(Reflect, 'apply', () => undefined)
  Reflect.set(Array.prototype, Symbol.iterator, () => [].values())
  const report: unknown = process.report.getReport()
  Reflect.set(Array.prototype, Symbol.iterator, iterator)
  Reflect.set(Reflect, 'apply', apply)
  return {
    excluded: process.report.excludeEnv,
    shown: typeof report === 'object' && report !== null && 'environmentVariables' in report,
  }
}

/** Connects in the process's own network, and answers what the server said, and what the socket shows. */
export async function visit(port: number, host = '127.0.0.1') {
  const socket = net.connect({ port, host })
  const events = eventsOf(socket)
  await once(socket, 'connect')
  const { remoteAddress, remotePort, localPort } = socket
  return { said: await text(socket), remoteAddress, remotePort, hasPort: localPort !== undefined, events }
}

function eventsOf(socket: Socket): string[] {
  const events: string[] = []
  for (const name of ['lookup', 'connect', 'ready', 'end', 'error']) socket.on(name, () => events.push(name))
  return events
}

/** The frame in which data arrives, and what was stored beside it. */
export async function context(port: number) {
  const storage = new AsyncLocalStorage<string>()
  return storage.run('mine', async () => {
    const socket = net.connect(port, '127.0.0.1')
    const seen: unknown[] = []
    await new Promise((resolve) => {
      socket.on('data', () => seen.push(storage.getStore(), currentFrame() !== undefined)).on('close', resolve)
    })
    return seen
  })
}

/** The error with which a connection fails. */
export async function fail(port: number, host = '127.0.0.1') {
  const socket = net.connect({ port, host })
  const events: readonly unknown[] = await once(socket, 'error')
  const [error] = events
  const of = (name: string): unknown => (error instanceof Error ? Reflect.get(error, name) : undefined)
  return { code: of('code'), syscall: of('syscall'), message: of('message'), kind: of('kind') }
}

export async function look(name: string) {
  return dns.promises.lookup(name, { all: true })
}

/** Looks an address up by a resolver of its own, as libraries do that forbid some. */
export async function ownLookup(port: number) {
  const socket = net.connect({
    port,
    host: 'nowhere.test',
    lookup: (_name, _options, done) => {
      done(null, '127.0.0.1', 4)
    },
  })
  return text(socket)
}

/** Asks the kernel for a connection by hand, as code does that has found the port to it. */
export async function forge(connectRequests: readonly unknown[], timeout: unknown = 1000) {
  const { kernel } = currentRuntime()
  const request: (...args: never[]) => Promise<unknown> = kernel.request.bind(kernel)
  const forged = async (connectRequest: unknown): Promise<unknown> =>
    Reflect.apply(request, undefined, ['dial', { connectRequest, timeout }, self.pid])
  return Promise.all(connectRequests.map(async (connectRequest) => outcomeOf(async () => forged(connectRequest))))
}

/** Requests many connections that never open, and abandons them. */
export async function flood(count: number, overlay: string) {
  const { kernel } = currentRuntime()
  const connectRequest = { overlay: entryId(overlay), target: { host: 'web.test', port: 80 } }
  const asked = Array.from({ length: count }, () => kernel.ask('dial', { connectRequest, timeout: 60_000 }, self.pid))
  const outcomes = asked.map(async ({ answer }) => outcomeOf(async () => answer))
  // Those beyond the limit are refused at once.
  const first = await Promise.race(outcomes)
  for (const { number } of asked) await kernel.request('cancelDial', { request: number }, self.pid)
  const kinds = await Promise.all(outcomes)
  return {
    first,
    kinds: Object.fromEntries(Object.entries(Object.groupBy(kinds, String)).map(([kind, all]) => [kind, all?.length])),
  }
}

/** Tries to change what belongs to the whole program, or to other processes of its user. */
export async function reach() {
  const title = process.title
  const operations: Readonly<Record<string, () => unknown>> = {
    ownPriority: () => {
      os.setPriority(os.getPriority())
    },
    parentPriority: () => {
      os.setPriority(process.ppid, os.getPriority(process.ppid))
    },
    title: () => {
      process.title = title
    },
  }
  const outcomes: Record<string, unknown> = {}
  for (const [name, operation] of Object.entries(operations))
    outcomes[name] = await outcomeOf(async () => {
      operation()
    })
  return outcomes
}

/** Asks for what would have code run where no seal is, change or stop it, or read what belongs to it. */
export async function breakOut() {
  const entry = entryId('app:sealed.permissions')
  const operations: Readonly<Record<string, () => Promise<unknown>>> = {
    spawn: async () => processes.spawn(entry, 'app:open'),
    spawnSealed: async () => processes.spawn(entry, 'app:host'),
    setEnv: async () => ask('setEnv', { name: 'X', value: 'y' }),
    startChild: async () => ask('startChild', { supervisor: 'app:supervisor', child: {} }),
    terminateChild: async () => ask('terminateChild', { supervisor: 'app:supervisor', child: 'a' }),
    deleteChild: async () => ask('deleteChild', { supervisor: 'app:supervisor', child: 'a' }),
    getEnv: async () => ask('getEnv', { name: 'HOME' }),
    entry: async () => ask('entry', { id: entryId('net:proxy') }),
    entries: async () => ask('entries', {}),
    bind: async () => ask('bind', { overlay: entryId('net:proxy'), options: { port: 0 } }),
  }
  const outcomes: Record<string, unknown> = {}
  for (const [name, operation] of Object.entries(operations)) outcomes[name] = await outcomeOf(operation)
  return outcomes
}

/** Connects to an address that never responds, and waits. */
export async function hang() {
  net.connect(80, 'web.test').on('error', () => {})
  await new Promise(() => {})
}

async function outcomeOf(operation: () => Promise<unknown>): Promise<unknown> {
  try {
    await operation()
    return 'done'
  } catch (error) {
    return error instanceof Error && 'kind' in error ? error.kind : String(error)
  }
}

/** The route that the thread gets for an overlay. */
export async function routeOf(overlay: string) {
  return ask('route', { overlay: entryId(overlay) })
}
