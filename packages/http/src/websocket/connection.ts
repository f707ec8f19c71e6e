/**
 * The process that represents one WebSocket. It lives in the server's thread, beside the socket, and other processes
 * see only it.
 */
import { startTimer, stopTimer, type Timer } from '@troupe/core'
import { on } from 'node:events'
import { currentRuntime, self } from '@troupe/process'
import type { WebSocket } from 'ws'
import { HandlerLink, type Ending, findHandler } from '../connections/handler-link.ts'
import { serviceStops, tokenExpired, tokenRevoked } from '../connections/reasons.ts'
import { whileOpen } from '../connections/open-connections.ts'
import { KeepAlive } from './keep-alive.ts'
import { parseClose, parseData, type WebSocketClose, type WebSocketOpen } from './messages.ts'
import { upgrades, type WebSocketUpgrade } from './upgrade.ts'

/** Bytes that may wait in a socket before further senders wait as well. */
const highWater = 64 * 1024

/** How a connection is closed when no more messages will follow (RFC 6455, 7.4.1). */
const closings: Readonly<Record<Ending, WebSocketClose>> = {
  returned: { code: 1000, reason: '' },
  stopped: { code: 1001, reason: serviceStops },
  revoked: { code: 1008, reason: tokenRevoked },
  expired: { code: 1008, reason: tokenExpired },
  failed: { code: 1011, reason: 'the process failed' },
}

/** The program of such a process. */
export async function connection(ticket: string): Promise<void> {
  const upgrade = upgrades.claim(ticket)
  const partner = await upgrade.found(findHandler())
  const socket = partner && (await upgrade.line)
  if (partner === undefined || socket === undefined) return
  await whileOpen(async () => {
    try {
      await new Conversation(upgrade.asked, socket, new HandlerLink(partner)).run()
    } finally {
      // Whatever ended it, the socket is closed.
      if (socket.readyState !== socket.CLOSED) socket.terminate()
    }
    // When this process has ended, the kernel asks the other one to stop. That request can overtake its messages.
    await currentRuntime().router.outbound.arrival(partner)
  })
}

class Conversation {
  readonly #asked: WebSocketUpgrade
  readonly #socket: WebSocket
  readonly #handler: HandlerLink
  #patience: Timer | undefined

  constructor(asked: WebSocketUpgrade, socket: WebSocket, handler: HandlerLink) {
    this.#asked = asked
    this.#socket = socket
    this.#handler = handler
    socket.binaryType = 'arraybuffer'
  }

  /**
   * Settles when the socket is closed and the process was notified.
   *
   * @throws the error that ended the connection from this side
   */
  async run(): Promise<void> {
    const [socket, handler] = [this.#socket, this.#handler]
    using keepAlive = new KeepAlive(socket, this.#asked.route.fields.pingInterval)
    const closed = this.#closed()
    const received = this.#receive(() => {
      keepAlive.heard()
    })
    void handler.watch(() => {
      this.#hurry()
    })
    const written = this.#write()
    for (const way of [received, written]) {
      way.catch(() => {
        this.#close(closings.failed)
      })
    }
    handler.onKilled(() => {
      socket.terminate()
    })
    await handler.tell('ws.open', this.#pending())
    socket.resume()
    const close = await closed
    stopTimer(this.#patience)
    await received
    await handler.tell('ws.close', close)
    handler.dismissMe('its socket is closed')
    await written
  }

  #pending(): WebSocketOpen {
    const { request, route, params, remoteAddress = request.socket.remoteAddress } = this.#asked
    const headers = Object.entries(request.headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value] as const],
    )
    return {
      entry: route.entry,
      url: request.url ?? '/',
      params: { ...params },
      headers: Object.fromEntries(headers),
      protocol: this.#socket.protocol,
      remoteAddress,
    }
  }

  async #closed(): Promise<WebSocketClose> {
    // Any error is followed by the close of the socket.
    this.#socket.on('error', () => undefined)
    return new Promise((resolve) => {
      this.#socket.once('close', (code, reason) => {
        resolve({ code, reason: reason.toString() })
      })
    })
  }

  /** Passes incoming messages to the process; while that has no room, nothing more is read. */
  async #receive(onMessage: () => void): Promise<void> {
    const messages = on(this.#socket, 'message', { close: ['close'], highWaterMark: 1, lowWaterMark: 1 })
    try {
      for await (const event of messages) {
        const data: unknown = event[0]
        onMessage()
        if (!(data instanceof ArrayBuffer)) await this.#handler.tell('ws.message', String(data))
        // All empty messages share one buffer, which cannot be transferred twice.
        else if (data.byteLength === 0) await this.#handler.tell('ws.message', new Uint8Array())
        else await this.#handler.tell('ws.message', new Uint8Array(data), [data])
      }
    } catch (error) {
      // After a violation of the protocol the socket closes by itself, with the matching code.
      if (this.#socket.readyState === this.#socket.OPEN) throw error
    }
  }

  /** Sends the messages of the process; while the other side does not read, the process waits. */
  async #write(): Promise<void> {
    for await (const message of self.inbox) {
      if (message.topic === 'ws.send') await this.#send(parseData(message.payload), message.expectsReply)
      else if (message.topic === 'ws.close') this.#close(parseClose(message.payload))
      message.reply()
    }
    this.#close(closings[this.#handler.ending])
  }

  async #send(data: string | Uint8Array, isAwaited: boolean): Promise<void> {
    if (this.#socket.readyState !== this.#socket.OPEN) return
    const sent = new Promise<void>((resolve) => {
      this.#socket.send(data, () => {
        resolve()
      })
    })
    if (isAwaited || this.#socket.bufferedAmount > highWater) await sent
  }

  #close({ code, reason }: WebSocketClose): void {
    this.#socket.close(code, reason)
    this.#hurry()
  }

  /** Limits the time that the other side may take. */
  #hurry(): void {
    this.#patience ??= startTimer(() => {
      this.#socket.terminate()
    }, this.#asked.route.fields.closeTimeout)
  }
}
