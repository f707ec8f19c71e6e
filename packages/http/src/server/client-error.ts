/**
 * What is no HTTP, is too large, or comes too slowly: it is answered where its client can tell that the answer is to that. Behind an answer to the
 * same request, or before one that is still due, it would be taken for the answer to another one; the connection ends without a word instead.
 */
import type { EventEmitter } from 'node:events'
import { IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'

const statuses: ReadonlyMap<string, number> = new Map([
  ['ERR_HTTP_REQUEST_TIMEOUT', 408],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', 413],
  ['HPE_HEADER_OVERFLOW', 431],
])

/** The newest request of a connection, and how many have no whole answer yet. */
interface UnderWay {
  request: IncomingMessage
  answer: ServerResponse
  unanswered: number
}

/** @param server - Of HTTP/1.1, or of both. */
export function refuseOnce(server: EventEmitter): void {
  const connections = new WeakMap<Duplex, UnderWay>()
  server.prependListener('request', (request: unknown, answer: ServerResponse) => {
    if (!(request instanceof IncomingMessage)) return
    const { socket } = request
    const known = connections.get(socket)
    const now = known ?? { request, answer, unanswered: 0 }
    Object.assign(now, { request, answer, unanswered: now.unanswered + 1 })
    connections.set(socket, now)
    answer.once('close', () => {
      now.unanswered -= 1
    })
  })
  server.on('clientError', (error: Error, socket: Duplex) => {
    if (socket.writable && mayAnswer(connections.get(socket))) {
      const status = statuses.get('code' in error ? String(error.code) : '') ?? 400
      socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nConnection: close\r\n\r\n`)
    }
    socket.destroy()
  })
}

function mayAnswer(now: UnderWay | undefined): boolean {
  if (now === undefined) return true
  return now.request.complete ? now.unanswered === 0 : now.unanswered === 1 && !now.answer.headersSent
}
