/** HTTP/1.1 connections, and the pending requests on each. */
import type { EventEmitter } from 'node:events'
import { IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'

const statuses: ReadonlyMap<string, number> = new Map([
  ['ERR_HTTP_REQUEST_TIMEOUT', 408],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', 413],
  ['HPE_HEADER_OVERFLOW', 431],
])

/** The newest request of a connection, and the number of requests without a complete response. */
interface UnderWay {
  request: IncomingMessage
  answer: ServerResponse
  unanswered: number
}

export class Http1Connections {
  /** Undefined where no request has arrived yet. */
  readonly #open = new Map<Duplex, UnderWay | undefined>()

  /** @param server - A server of HTTP/1.1, or of both versions. */
  constructor(server: EventEmitter, isSecure: boolean) {
    server.on(isSecure ? 'secureConnection' : 'connection', (socket: Duplex) => {
      if (socket instanceof TLSSocket && socket.alpnProtocol === 'h2') return
      this.#open.set(socket, undefined)
      socket.once('close', () => this.#open.delete(socket))
    })
    server.prependListener('request', (request: unknown, answer: ServerResponse) => {
      if (request instanceof IncomingMessage) this.#asked(request, answer)
    })
    // After an upgrade it is no longer an HTTP connection.
    server.prependListener('upgrade', ({ socket }: IncomingMessage) => this.#open.delete(socket))
    server.on('clientError', (error: Error, socket: Duplex) => {
      if (socket.writable && mayAnswer(this.#open.get(socket))) refuse(error, socket)
      socket.destroy()
    })
  }

  /** Ends the connections on which no complete head has arrived since the last response. */
  endUnasked(): void {
    for (const [socket, now] of this.#open) if (now === undefined || now.unanswered === 0) socket.destroy()
  }

  #asked(request: IncomingMessage, answer: ServerResponse): void {
    const { socket } = request
    const now = this.#open.get(socket) ?? { request, answer, unanswered: 0 }
    Object.assign(now, { request, answer, unanswered: now.unanswered + 1 })
    this.#open.set(socket, now)
    answer.once('close', () => {
      now.unanswered -= 1
    })
  }
}

function refuse(error: Error, socket: Duplex): void {
  const status = statuses.get('code' in error ? String(error.code) : '') ?? 400
  socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nConnection: close\r\n\r\n`)
}

/**
 * Returns whether a client can match an error response to its request. Such a response is for a message that is not
 * HTTP, is too large, or is too slow. After a response to the same request, or before one that is still due, the client
 * would match it to the wrong request.
 */
function mayAnswer(now: UnderWay | undefined): boolean {
  if (now === undefined) return true
  return now.request.complete ? now.unanswered === 0 : now.unanswered === 1 && !now.answer.headersSent
}
