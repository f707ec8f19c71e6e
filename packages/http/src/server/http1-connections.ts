/** HTTP/1.1 connections, and the pending requests on each. */
import type { EventEmitter } from 'node:events'
import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import type { Incoming } from './request/request-call.ts'
import type { Http1Outgoing } from './request/outgoing.ts'

const statuses: ReadonlyMap<string, number> = new Map([
  ['ERR_HTTP_REQUEST_TIMEOUT', 408],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', 413],
  ['HPE_HEADER_OVERFLOW', 431],
])

/** The newest request of a connection, and the responses that may not be complete yet, the newest last. */
interface UnderWay {
  request: Incoming
  answers: Http1Outgoing[]
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
    // After an upgrade it is no longer an HTTP connection.
    server.prependListener('upgrade', ({ socket }: IncomingMessage) => this.#open.delete(socket))
    server.on('clientError', (error: Error, socket: Duplex) => {
      if (socket.writable && mayAnswer(this.#open.get(socket))) refuse(error, socket)
      socket.destroy()
    })
  }

  /** Ends the connections on which no complete head has arrived since the last response. */
  endUnasked(): void {
    for (const [socket, now] of this.#open) if (now === undefined || unanswered(now) === 0) socket.destroy()
  }

  /** Records a request. */
  asked(request: Incoming, answer: Http1Outgoing): void {
    const { socket } = request
    const now = this.#open.get(socket)
    if (now === undefined) this.#open.set(socket, { request, answers: [answer] })
    else {
      now.request = request
      if (now.answers.length === 1 && now.answers[0]?.destroyed === true) now.answers[0] = answer
      else now.answers = [...now.answers.filter(({ destroyed }) => !destroyed), answer]
    }
  }
}

function unanswered({ answers }: UnderWay): number {
  return answers.filter(({ destroyed }) => !destroyed).length
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
  const left = unanswered(now)
  return now.request.complete ? left === 0 : left === 1 && now.answers.at(-1)?.headersSent === false
}
