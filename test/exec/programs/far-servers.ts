/** Servers of the far side, at 127.0.0.1: HTTP, HTTPS with HTTP/2, a line of text, WebSockets. Prints `ready`. */
import { readFileSync } from 'node:fs'
import http from 'node:http'
import http2 from 'node:http2'
import net from 'node:net'
import { join } from 'node:path'
import { WebSocketServer } from 'ws'
import { linePort, plainPort, securePort, socketPort } from '../far-ports.ts'

const host = '127.0.0.1'
const fixture = (file: string) => readFileSync(join(import.meta.dirname, '../../guard/fixtures', file))
const servers = [
  http.createServer((_, response) => response.end('hello')).listen(plainPort, host),
  http2
    .createSecureServer(
      { key: fixture('server.key'), cert: fixture('server.pem'), allowHTTP1: true },
      (_, response) => void response.end('hello'),
    )
    .listen(securePort, host),
  net.createServer((socket) => socket.on('error', () => {}).end('hello\n')).listen(linePort, host),
]
new WebSocketServer({ host, port: socketPort }).on('connection', (socket) => socket.send('hello'))
await Promise.all(
  servers.map(async (server) => server.listening || new Promise((resolve) => server.once('listening', resolve))),
)
process.stdout.write('ready\n')
