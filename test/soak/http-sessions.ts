/**
 * `npm run soak:sessions`: `SESSIONS` (100000) connections that end, by HTTP/2, TLS and clear text, in order or by a
 * reset. Ended connections must be released: after the first fifth, neither the threads of the services nor the program
 * may hold more memory.
 */
import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { startServices } from './services.ts'

const sessions = Number(process.env['SESSIONS'] ?? 100_000)
/**
 * Additional bytes that the threads of the services may hold: less than 4000 unreleased sessions of HTTP/2 would take.
 */
const slack = 20_000_000
/** The same for the whole program, which also runs the clients, and whose allocator returns memory late. */
const programSlack = 80_000_000
const head = (path: string) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`

await using services = await startServices()
const { clear, secure, ca } = services

async function http2(operation: string, isReset: boolean): Promise<void> {
  const session = connectHttp2(`https://localhost:${secure}`, { ca })
  session.on('error', () => undefined)
  const stream = session.request({ ':path': `/inline?do=${operation}` })
  stream.on('error', () => undefined).resume()
  const closed = once(session, 'close')
  await once(stream, isReset ? 'response' : 'close')
  if (isReset) session.destroy()
  else session.close()
  await closed
}

async function http1(socket: Socket, path: string, isReset: boolean): Promise<void> {
  socket.on('error', () => undefined)
  const closed = once(socket, 'close')
  socket.write(head(path))
  await once(socket, 'data')
  if (isReset) socket.resetAndDestroy()
  else socket.end()
  socket.resume()
  await closed
}

const plain = () => connect(clear, '127.0.0.1')
const tls = () => connectTls({ port: secure, host: 'localhost', ca, ALPNProtocols: ['http/1.1'] })

const visits = [
  async () => http2('hello', false),
  async () => http2('stream', true),
  async () => http1(plain(), '/inline', false),
  async () => http1(plain(), '/inline?do=stream', true),
  async () => http1(tls(), '/inline', false),
  async () => http2('hello', false),
] as const

interface Held {
  readonly services: number
  readonly program: number
}

async function rounds(count: number): Promise<Held> {
  for (let done = 0; done < count; done += visits.length) await Promise.all(visits.map(async (visit) => visit()))
  globalThis.gc?.()
  return { services: await services.memory(), program: process.memoryUsage.rss() }
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`
const before = await rounds(sessions / 5)
const after = await rounds((sessions * 4) / 5)
const grown = { services: after.services - before.services, program: after.program - before.program }
console.log(
  `${sessions} sessions: the services hold ${megabytes(grown.services)} more, the program ${megabytes(grown.program)}`,
)
process.exitCode = grown.services > slack || grown.program > programSlack ? 1 : 0
