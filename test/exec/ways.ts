/**
 * Ways in which a Node program reaches the network: each ends when something answered, or failed. An ordinary program,
 * which knows nothing of Troupe.
 */
import childProcess from 'node:child_process'
import cluster from 'node:cluster'
import dgram from 'node:dgram'
import dns from 'node:dns'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import net from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import tls from 'node:tls'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import axios from 'axios'
import got from 'got'
import { Agent, request } from 'undici'
import { WebSocket as Ws } from 'ws'
import { linePort, plainPort, securePort, socketPort } from './far-ports.ts'

/** A name that only the far side knows, and an address for documentation (RFC 5737). */
const name = 'web.test'
const world = '203.0.113.7'
const plain = `http://${name}:${plainPort}/`
const secure = `https://${name}:${securePort}/`
const ca = readFileSync(join(import.meta.dirname, '../guard/fixtures/ca.pem'), 'utf8')
const anyName = () => undefined
const folder = join(import.meta.dirname, 'fixtures/package')
const reaching = join(import.meta.dirname, 'programs/reach.ts')

/** Fetches from another thread or process; prints nothing, and fails as they do. */
const thread = async (options: object) => {
  const worker = new Worker(reaching, options)
  ended(await new Promise((resolve) => worker.on('exit', resolve)))
}
const child = async (started: childProcess.ChildProcess) => {
  await once(started, 'exit')
  ended(started.exitCode)
}

function ended(code: unknown): void {
  if (code !== 0) throw new Error(`it ended with ${String(code)}`)
}

async function response(asked: http.ClientRequest): Promise<string> {
  const answer = await new Promise<http.IncomingMessage>((resolve, reject) =>
    asked.on('response', resolve).on('error', reject).end(),
  )
  return text(answer)
}

async function spoken(socket: { on(event: string, listener: (arg: unknown) => void): unknown }): Promise<void> {
  await new Promise((resolve, reject) => {
    socket.on('message', resolve)
    socket.on('error', reject)
  })
}

export const ways: Readonly<Record<string, () => Promise<unknown>>> = {
  fetch: async () => (await fetch(plain)).text(),
  'http.get': async () => response(http.request(plain)),
  'https.get': async () => response(https.request(secure, { ca, checkServerIdentity: anyName })),
  http2: async () => {
    const session = http2.connect(secure, { ca, checkServerIdentity: anyName })
    try {
      return await Promise.race([text(session.request({ ':path': '/' })), once(session, 'close')])
    } finally {
      session.destroy()
    }
  },
  axios: async () => axios.get(plain),
  got: async () => got(plain, { retry: { limit: 0 } }).text(),
  ws: async () => {
    const socket = new Ws(`ws://${name}:${socketPort}`)
    await spoken(socket).finally(() => socket.close())
  },
  WebSocket: async () => {
    const socket = new WebSocket(`ws://${name}:${socketPort}`)
    await new Promise((resolve, reject) => {
      socket.addEventListener('message', resolve)
      socket.addEventListener('error', () => reject(new Error('the WebSocket failed')))
    })
    socket.close()
  },
  'net.connect': async () => text(net.connect(linePort, name)),
  'net.connect, an address': async () => once(net.connect(linePort, world), 'connect'),
  'tls.connect': async () => {
    const socket = tls.connect({ host: name, port: securePort, ca, checkServerIdentity: anyName })
    await once(socket, 'secureConnect').finally(() => socket.destroy())
  },
  'undici with an Agent': async () => (await request(plain, { dispatcher: new Agent() })).body.text(),
  'dns.lookup': async () => dns.promises.lookup(name),
  'dns.lookup, then connect': async () => text(net.connect(linePort, (await dns.promises.lookup(name)).address)),
  'dns.resolve': async () => promisify(dns.resolve)(name),
  'dns.resolveTxt': async () => promisify(dns.resolveTxt)(name),
  dgram: async () => {
    const socket = dgram.createSocket('udp4').on('error', () => {})
    await new Promise((resolve, reject) => {
      socket.send('x', 9999, world, (error) => (error ? reject(error) : resolve(undefined)))
    }).finally(() => socket.close())
  },
  Worker: async () => thread({}),
  'Worker with its own options': async () => thread({ env: {}, execArgv: [] }),
  fork: async () => child(childProcess.fork(reaching)),
  'spawn without an environment': async () =>
    child(childProcess.spawn(process.execPath, [reaching], { env: {}, stdio: 'ignore' })),
  'execFileSync of node': async () => childProcess.execFileSync(process.execPath, [reaching], { stdio: 'ignore' }),
  'exec of a command': async () =>
    promisify(childProcess.exec)(`"${process.execPath}" "${reaching}" && "${process.execPath}" -e 0`),
  cluster: async () => {
    cluster.setupPrimary({ exec: reaching })
    const worker = cluster.fork()
    await once(worker, 'exit')
    ended(worker.process.exitCode)
  },
  'npm test': async () => promisify(childProcess.exec)('npm test', { cwd: folder }),
  'a native child': async () => promisify(childProcess.execFile)('getent', ['hosts', name]),
  'a native child, synchronously': async () => childProcess.execFileSync('curl', ['-s', '-m', '2', plain]),
}
