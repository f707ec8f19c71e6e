/**
 * Programs that embed an application, by name: `node program.ts <name>`. Each prints its findings as JSON. A thread
 * keeps its network, so each runs in its own Node.
 */
import { asTroupeError, entryId } from '@troupe/core'
import { funcs, http, processes, registry, self } from 'troupe'
import { type BootOptions, boot } from 'troupe/app'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { register } from 'node:module'
import { connect, createServer, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { Worker } from 'node:worker_threads'

const program = `file://${import.meta.dirname}/../fixtures/embedding/programs.ts`

/** The default overlay leads to a proxy that does not exist. */
const app = async (options: Partial<BootOptions> = {}) =>
  boot({
    root: import.meta.dirname,
    onLog: () => {},
    set: ['network_service.default_network=app:tor'],
    entries: [
      { id: 'app:tor', kind: 'network.socks5', host: '127.0.0.1', port: 1 },
      { id: 'app:other', kind: 'network.socks5', host: '127.0.0.1', port: 1 },
      { id: 'app:threads', kind: 'process.host', lifecycle: { auto_start: true } },
      { id: 'app:overlay', kind: 'function.ts', source: program, method: 'overlay' },
    ],
    ...options,
  })

interface Failure {
  readonly kind: string
  readonly message: string
  readonly details: Readonly<Record<string, unknown>>
}

async function failure(run: () => unknown): Promise<Failure | 'no error'> {
  try {
    await run()
    return 'no error'
  } catch (error) {
    const { kind, message, details } = asTroupeError(error)
    return { kind, message, details }
  }
}

async function failures(uses: Readonly<Record<string, () => unknown>>): Promise<Readonly<Record<string, unknown>>> {
  const found = new Map<string, unknown>()
  for (const [name, use] of Object.entries(uses)) found.set(name, await failure(use))
  return Object.fromEntries(found)
}

/** A server in the clear network that exists before any application. */
async function echoServer() {
  const server = createServer((socket) => socket.on('error', () => {}).pipe(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return { server, port: address.port }
}

async function connected(socket: Socket): Promise<Socket> {
  await once(socket, 'connect')
  return socket
}

const programs: Readonly<Record<string, () => Promise<unknown>>> = {
  /** Has its own connection before the guard exists. */
  async opened() {
    const { port } = await echoServer()
    const socket = await connected(connect(port, '127.0.0.1'))
    const refused = await failure(app)
    await using started = await app({ network: null })
    socket.end('still open')
    return { refused, open: await text(socket), state: started.service(entryId('app:tor')).state }
  },

  /** Its connection keeps no event loop alive, as with the idle connections of pools. */
  async idle() {
    const { server, port } = await echoServer()
    const socket = (await connected(connect(port, '127.0.0.1'))).unref()
    const refused = await failure(app)
    socket.destroy()
    server.close()
    return refused
  },

  /** Serves connections from before and after the guard exists. The test connects, and ends the standard input. */
  async serving() {
    const { server, port } = await echoServer()
    process.stdout.write(`${port}\n`)
    await once(server, 'connection')
    await using _ = await app()
    process.stdout.write('booted\n')
    await text(process.stdin)
    return 'served'
  },

  /** What it started earlier continues. */
  async beside_thread() {
    const worker = new Worker('setInterval(() => {}, 1000)', { eval: true })
    const starting = await failure(app)
    await once(worker, 'online')
    worker.unref()
    const unreferenced = await failure(app)
    await worker.terminate()
    const ended = await failure(async () => (await app()).stop())
    return { starting, unreferenced, ended }
  },

  async beside_earlier() {
    return failure(app)
  },

  async beside_child() {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
    child.unref()
    const running = await failure(app)
    child.ref()
    child.kill()
    await once(child, 'exit')
    return { pid: child.pid, running, ended: await failure(async () => (await app()).stop()) }
  },

  async beside_in_the_clear() {
    const worker = new Worker('setInterval(() => {}, 1000)', { eval: true })
    await using started = await app({ network: null })
    await worker.terminate()
    return started.service(entryId('app:tor')).state
  },

  /** Node's own thread, for module hooks. */
  async hooks() {
    const code = 'export const resolve = (name, context, next) => next(name, context)'
    // oxlint-disable-next-line typescript/no-deprecated -- It is what there is of it in Node 24.
    register(`data:text/javascript,${code}`)
    await using started = await app()
    return started.service(entryId('app:tor')).state
  },

  /** One application after another in the same thread. */
  async second() {
    await (await app({ network: null })).stop()
    const other = await failure(app)
    const explicit = await failure(async () => app({ network: 'app:other' }))
    await using same = await app({ network: null })
    return { other, explicit, same: same.services().length }
  },

  /** Two at once. */
  async beside() {
    const { port } = await echoServer()
    await using _ = await app()
    const same = await failure(app)
    const other = await failure(async () => app({ network: null }))
    return { same, other, own: await failure(async () => connected(connect(port, '127.0.0.1'))) }
  },

  async stopped() {
    const started = await app({ network: null })
    await started.stop()
    return failures({
      'processes.send': async () => processes.send('<1.1>', 'hello'),
      'processes.spawn': async () => processes.spawn('app:overlay', 'app:threads'),
      'funcs.call': async () => funcs.call('app:overlay'),
      'registry.get': async () => registry.get('app:tor'),
      'self.pid': () => self.pid,
      'self.receive': async () => self.receive(),
      'inside app.run': async () => started.run(async () => funcs.call('app:overlay')),
    })
  },

  async before() {
    return {
      'processes.send': await failure(async () => processes.send('<1.1>', 'hello')),
      'funcs.call': await failure(async () => funcs.call('app:overlay')),
      'self.pid': await failure(() => self.pid),
      'http.get': await failure(async () => http.get('http://127.0.0.1:1/')),
    }
  },

  /** Works only inside processes. */
  async mailbox() {
    await using _ = await app({ network: null })
    return { receive: await failure(async () => self.receive()), signal: await failure(() => self.signal) }
  },

  /** A connection of the program itself, such as to a database. */
  async advice() {
    const { port } = await echoServer()
    await using _ = await app()
    return {
      tcp: await failure(async () => connected(connect(port, '127.0.0.1'))),
      again: await failure(async () => connected(connect(port, '127.0.0.1'))),
      unix: await failure(async () => connected(connect('/run/database.sock'))),
    }
  },

  async chosen() {
    await using _ = await app({ network: 'app:other' })
    return {
      tcp: await failure(async () => connected(connect(9, '127.0.0.1'))),
      overlay: await funcs.call('app:overlay'),
    }
  },

  async unknown() {
    return { network: await failure(async () => app({ network: 'app:nowhere' })) }
  },

  /** The networks of the processes that a program in the clear network starts. */
  async clear() {
    await using started = await app({ network: null })
    return {
      inherited: await funcs.call('app:overlay'),
      chosen: await funcs.withOptions({ network: 'app:other' }).call('app:overlay'),
      direct: await started.run(async () => funcs.withOptions({ network: null }).call('app:overlay')),
    }
  },

  /** Entries that the program adds, and a call that gets no reply. */
  async silent() {
    await using _ = await boot({ root: import.meta.dirname, entries: [], onLog: () => {} })
    await registry.apply([
      { op: 'create', entry: { id: 'app:threads', kind: 'process.host', lifecycle: { auto_start: true } } },
      { op: 'create', entry: { id: 'app:silent', kind: 'process.ts', source: program, method: 'silent' } },
    ])
    const pid = await processes.spawn('app:silent', 'app:threads')
    return { call: await failure(async () => processes.call(pid, 'x', undefined, { timeout: 50 })) }
  },

  /** A child that crashes repeatedly. */
  async crashing() {
    const { promise: enough, resolve } = Promise.withResolvers<void>()
    const log: string[] = []
    await using _ = await app({
      network: null,
      onLog: (line) => {
        if (line.includes('a bug in my code') && log.push(line) === 2) resolve()
      },
      entries: [
        { id: 'app:tor', kind: 'network.socks5', host: '127.0.0.1', port: 1 },
        { id: 'app:threads', kind: 'process.host', lifecycle: { auto_start: true } },
        { id: 'app:child', kind: 'process.ts', source: program, method: 'crash' },
        {
          id: 'app:team',
          kind: 'process.supervisor',
          host: 'threads',
          max_restarts: 1000,
          children: [{ id: 'child', process: 'child' }],
          lifecycle: { auto_start: true },
        },
      ],
    })
    await enough
    return log.slice(0, 2)
  },

  /** An application that fails to start. */
  async broken() {
    const booting = failure(async () => app({ entries: [] }))
    const early = failure(async () => connected(connect(9, '127.0.0.1')))
    return { boot: await booting, early: await early }
  },
}

const run = programs[process.argv[2] ?? '']
if (run === undefined) throw new Error(`there is no program ${process.argv[2]}`)
const found = await run()
process.stdout.write(JSON.stringify(found), () => process.exit())
