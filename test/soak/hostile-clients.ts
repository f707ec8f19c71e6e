/** Hostile clients of a service, for a number of seconds: `node hostile-clients.ts SECONDS PORT SECURE_PORT`. */
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2'
import { connect, type Socket } from 'node:net'

const [seconds = 10, clear = 0, secure = 0] = process.argv.slice(2).map(Number)
const ca = process.env['SOAK_CA'] ?? ''
const until = Date.now() + seconds * 1000
const operations = ['stream', 'big', 'slow', 'echo', 'events', 'throw', 'stray', 'header', 'exit', 'hello'] as const

function any<T>(values: readonly [T, ...T[]]): T {
  return values[Math.floor(Math.random() * values.length)] ?? values[0]
}

const target = () => `${any(['/pool', '/pool', '/inline'])}?do=${any(operations)}`
const mortal = () => (Math.random() < 0.02 ? 'x-mortal: 1\r\n' : '')
const upgrade =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'

/** Only threads of pools may end because of it. */
function head(method: string, path: string, more = ''): string {
  const deadly = path.startsWith('/pool') ? mortal() : ''
  return `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${deadly}${more}\r\n`
}

const heads = [
  () => head('GET', target()),
  () => head('HEAD', target()),
  () => head('GET', target()).repeat(5),
  () => `${head('POST', target(), 'Transfer-Encoding: chunked\r\n')}5\r\nhello\r\n`,
  () => `${head('POST', target(), 'Content-Length: 100000\r\n')}begin`,
  () => head('GET', any(['/socket', '/files/handlers.ts', target()]), upgrade),
  () => `${head('POST', target(), `${upgrade}Content-Length: 5\r\n`)}hello`,
  () => head('GET', '/news'),
  () => head('GET', 'http://localhost/pool'),
  () => head('GET', '/pool', 'Host: evil.example\r\n'),
  () => 'GET /pool HTTP/1.1\r\nHost: localhost\r\nX-A: ',
] as const

/** One connection, which ends in one of several ways. */
async function visit(): Promise<void> {
  const socket = connect(clear, '127.0.0.1')
  socket.on('error', () => undefined)
  if (Math.random() < 0.6) socket.resume()
  socket.write(any(heads)())
  await ended(socket, Math.random() * 400)
}

async function ended(socket: Socket, milliseconds: number): Promise<void> {
  await new Promise<void>((resolve) => {
    socket.once('close', () => resolve())
    setTimeout(() => {
      if (Math.random() < 0.3) socket.resetAndDestroy()
      else socket.destroy()
    }, milliseconds)
  })
}

async function visitHttp2(): Promise<void> {
  const session = connectHttp2(`https://localhost:${secure}`, { ca })
  session.on('error', () => undefined)
  await new Promise<void>((resolve) => {
    session.once('close', () => resolve())
    for (let count = 0; count < 10; count += 1) ask(session)
    setTimeout(() => {
      if (Math.random() < 0.5) session.destroy()
      else session.close()
      setTimeout(() => session.destroy(), 500)
    }, Math.random() * 500)
  })
}

function ask(session: ClientHttp2Session): void {
  const path = target()
  const headers = {
    ':path': path,
    ':method': any(['GET', 'HEAD', 'POST']),
    ...(path.startsWith('/pool') && Math.random() < 0.02 && { 'x-mortal': '1' }),
  }
  const stream = session.request(headers, { endStream: Math.random() < 0.7 })
  stream.on('error', () => undefined)
  if (Math.random() < 0.7) stream.resume()
  setTimeout(() => stream.close(8), Math.random() * 300)
}

async function repeats(client: () => Promise<void>): Promise<void> {
  while (Date.now() < until) await client()
}

await Promise.all([
  ...Array.from({ length: 20 }, async () => repeats(visit)),
  ...Array.from({ length: 4 }, async () => repeats(visitHttp2)),
])
process.exit()
