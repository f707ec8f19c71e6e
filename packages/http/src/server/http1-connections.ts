/** Connections of HTTP/1.1, and what is under way on each. */
import type { EventEmitter } from 'node:events'
import { IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'

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

export class Http1Connections {
  /** Nothing where no request has come yet. */
  readonly #open = new Map<Duplex, UnderWay | undefined>()

  /** @param server - Of HTTP/1.1, or of both. */
  constructor(server: EventEmitter, isSecure: boolean) {
    server.on(isSecure ? 'secureConnection' : 'connection', (socket: Duplex) => {
      if (socket instanceof TLSSocket && socket.alpnProtocol === 'h2') return
      this.#open.set(socket, undefined)
      socket.once('close', () => this.#open.delete(socket))
    })
    server.prependListener('request', (request: unknown, answer: ServerResponse) => {
      if (request instanceof IncomingMessage) this.#asked(request, answer)
    })
    // It is no connection of HTTP any more.
    server.prependListener('upgrade', ({ socket }: IncomingMessage) => this.#open.delete(socket))
    server.on('clientError', (error: Error, socket: Duplex) => {
      if (socket.writable && mayAnswer(this.#open.get(socket))) refuse(error, socket)
      socket.destroy()
    })
  }

  /** Ends those on which no whole head has come since the last answer. */
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
 * Whether a client can tell to what an answer is that is sent for what is no HTTP, is too large, or comes too slowly: behind an answer to the same
 * request, or before one that is still due, it would be taken for the answer to another.
 */
function mayAnswer(now: UnderWay | undefined): boolean {
  if (now === undefined) return true
  return now.request.complete ? now.unanswered === 0 : now.unanswered === 1 && !now.answer.headersSent
}
