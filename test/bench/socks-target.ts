/**
 * The target of the benchmark's connections, in its own process: HTTP on one port, a stream of zeros on another, HTTPS
 * on the third.
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'

const [host = '127.0.0.1'] = process.argv.slice(2)
const http = createHttpServer((_request, response) => response.end('hello'))
const fixture = (name: string) => readFileSync(join(import.meta.dirname, '../guard/fixtures', name))
const https = createHttpsServer({ key: fixture('server.key'), cert: fixture('server.pem') }, (_request, response) =>
  response.end('hello'),
)
const zeros = Buffer.alloc(64 * 1024)
const stream = createServer((socket) => {
  const pour = () => {
    while (socket.write(zeros));
  }
  socket.on('drain', pour).on('error', () => socket.destroy())
  socket.once('data', pour)
})

async function portOf(server: Server): Promise<number> {
  await once(server.listen(0, host), 'listening')
  const address = server.address()
  return typeof address === 'object' && address ? address.port : 0
}

http.keepAliveTimeout = 60_000
console.log(`${await portOf(http)} ${await portOf(stream)} ${await portOf(https)}`)
