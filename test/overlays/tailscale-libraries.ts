/** Unmodified client and server libraries, between two nodes of a tailnet. Loaded after the guard, as user code is. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import http2 from 'node:http2'
import net from 'node:net'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { peerOf } from '@troupe/network'
import { connectOwn } from '@troupe/network/driver'
import pg from 'pg'
import { WebSocket as Ws, WebSocketServer } from 'ws'
import { postgresPort } from '../guard/servers.ts'

const folder = join(import.meta.dirname, '../guard/fixtures')
const [cert, key, ca] = ['server.pem', 'server.key', 'ca.pem'].map((file) => readFileSync(join(folder, file), 'utf8'))

/**
 * Starts servers in the current frame; each returns the node that connected. `postgres` is the address of the real one,
 * in the clear network.
 */
export async function startServers(postgres: string): Promise<readonly net.Server[]> {
  const plain = http.createServer((request, response) => response.end(JSON.stringify(seenBy(request.socket))))
  new WebSocketServer({ server: plain }).on('connection', (socket, request) =>
    socket.send(JSON.stringify(seenBy(request.socket))),
  )
  const secure = http2.createSecureServer({ cert, key, allowHTTP1: true }, (request, response) => {
    response.end(JSON.stringify({ ...seenBy(request.stream.session?.socket), version: request.httpVersion }))
  })
  const relay = net.createServer((socket) => {
    const there = connectOwn({ port: postgresPort, host: postgres })
    socket.on('error', () => there.destroy()).pipe(there)
    there.on('error', () => socket.destroy()).pipe(socket)
  })
  const servers = new Map<number, net.Server>([
    [80, plain],
    [443, secure],
    [postgresPort, relay],
  ])
  await Promise.all(Array.from(servers, async ([port, server]) => once(server.listen(port), 'listening')))
  return [...servers.values()]
}

function seenBy(socket: net.Socket | undefined) {
  return { node: socket && peerOf(socket)?.node, remoteAddress: socket?.remoteAddress, localPort: socket?.localPort }
}

/** Each of them returns what the server saw. */
export function libraries(host: string): Readonly<Record<string, () => Promise<unknown>>> {
  const agent = new http.Agent({ keepAlive: true })
  const pool = new pg.Pool({ host, port: postgresPort, user: 'troupe', database: 'postgres', max: 3 })
  return {
    fetch: async () => (await fetch(`http://${host}/`)).json(),
    'http.request with an agent': async () => {
      const request = http.request(`http://${host}/`, { agent }).end()
      const response = await new Promise<http.IncomingMessage>((resolve, reject) =>
        request.on('response', resolve).on('error', reject),
      )
      return json(response)
    },
    ws: async () => {
      const socket = new Ws(`ws://${host}/`)
      const message = await new Promise<string>((resolve, reject) => {
        socket.on('message', (data: Buffer) => resolve(data.toString())).on('error', reject)
      })
      socket.close()
      const seen: unknown = JSON.parse(message)
      return seen
    },
    http2: async () => {
      const session = http2.connect(`https://${host}/`, { ca, checkServerIdentity: () => undefined })
      const seen = await json(session.request({ ':path': '/' }))
      session.close()
      return seen
    },
    pg: async () => {
      const lengths = await Promise.all([1, 2, 3, 4].map(async (n) => lengthOf(pool, n * 100_000)))
      await pool.end()
      return lengths
    },
  }
}

/** The length of a text that the server generates. */
async function lengthOf(pool: pg.Pool, length: number): Promise<number> {
  const { rows } = await pool.query<{ readonly text: string }>('select repeat($1, $2::int) as text', ['x', length])
  return rows[0]?.text.length ?? 0
}
