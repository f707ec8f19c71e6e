/** Points of the curve of connections: many idle ones to a service, and requests on all of them in turn. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { LineProgram } from '../line-program.ts'

const request = 'GET /inline HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n'
/** Requests at the same time. */
const atOnce = 32

export async function connections(count: number): Promise<Readonly<Record<string, number>>> {
  const ours = await measured('ours', count)
  const node = await measured('node', count)
  return {
    kilobytes: ours.kilobytes,
    node: node.kilobytes,
    requests: ours.requests,
    nodeRequests: node.requests,
  }
}

interface Figures {
  readonly kilobytes: number
  readonly requests: number
}

/** The server is another program, so that the memory of this one's sockets does not count. */
async function measured(name: string, count: number): Promise<Figures> {
  await using server = new LineProgram([process.execPath, join(import.meta.dirname, 'connections-server.ts'), name])
  const [port = 0, pid = 0] = (await server.line()).split(' ').map(Number)
  const warm = await open(port)
  for (let i = 0; i < 2000; i += 1) await asked(warm)
  const before = memoryOf(pid)
  const sockets: Socket[] = []
  while (sockets.length < count)
    sockets.push(
      ...(await Promise.all(Array.from({ length: Math.min(100, count - sockets.length) }, () => open(port)))),
    )
  const kilobytes = (memoryOf(pid) - before) / count
  let requests = 0
  const start = performance.now()
  while (requests < 20_000 || performance.now() - start < 500) {
    await inTurn(sockets)
    requests += count
  }
  const seconds = (performance.now() - start) / 1000
  for (const socket of sockets) socket.destroy()
  return { kilobytes, requests: requests / seconds }
}

async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.on('error', () => undefined)
  // A connection without a request is closed after `timeouts.headers`.
  await asked(socket)
  return socket
}

async function asked(socket: Socket): Promise<void> {
  if (socket.destroyed) throw new Error('the server closed an idle connection')
  socket.write(request)
  await once(socket, 'data')
}

async function inTurn(sockets: readonly Socket[]): Promise<void> {
  const left = sockets[Symbol.iterator]()
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let next = left.next(); next.done !== true; next = left.next()) await asked(next.value)
    }),
  )
}

/** Kilobytes of a program in memory. */
function memoryOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
}
