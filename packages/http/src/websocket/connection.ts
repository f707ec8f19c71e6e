/** The process that speaks for one WebSocket. It lives in the server's thread, beside the socket, and is what the other processes see of it. */
import { on } from 'node:events'
import { type Pid, TroupeError } from '@troupe/core'
import { ask, currentParticipant, currentRuntime, self } from '@troupe/process'
import type { WebSocket } from 'ws'
import { KeepAlive } from './keep-alive.ts'
import { parseClose, parseData, tokenRevoked, type WebSocketClose, type WebSocketOpen } from './messages.ts'
import { Upgrade, type WebSocketUpgrade } from './upgrade.ts'

/** Bytes that may wait in a socket before whoever sends more waits as well. */
const highWater = 64 * 1024

const goingAway: WebSocketClose = { code: 1001, reason: 'the service stops' }
const revoked: WebSocketClose = { code: 1008, reason: tokenRevoked }
const failed: WebSocketClose = { code: 1011, reason: 'the process failed' }

/** What stops the connections of this thread, by their pids. */
const running = new Map<Pid, { readonly stop: () => void; readonly ended: Promise<void> }>()

/** Closes all WebSockets of this thread with 1001, and waits until they are. */
export async function closeWebSockets(): Promise<void> {
  await Promise.all(
    Array.from(running.values(), async ({ stop, ended }) => {
      stop()
      await ended
    }),
  )
}

/** The program of such a process. */
export async function connection(ticket: string): Promise<void> {
  const upgrade = Upgrade.take(ticket)
  const partner = await upgrade.found(findPartner())
  const socket = partner && (await upgrade.socket)
  if (partner === undefined || socket === undefined) return
  const runtime = currentRuntime()
  const { pid } = self
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  running.set(pid, {
    ended,
    stop: () => {
      runtime.cancel(pid, goingAway.reason)
    },
  })
  try {
    await new Conversation(upgrade.asked, socket, partner).run()
    // The kernel asks the process to stop once this one has ended, by another way than that of its messages.
    await runtime.post.arrival(partner)
  } finally {
    running.delete(pid)
    resolve()
  }
}

/** The process to speak to, whose end will be told. */
async function findPartner(): Promise<Pid> {
  const { bonds } = currentRuntime()
  const monitor = { pid: self.pid, promise: 0 }
  const spawned = bonds.spawning(self.pid, { monitor })
  try {
    const { partner, isOwn } = await ask('converse', {})
    spawned(isOwn ? partner : undefined)
    if (!isOwn) bonds.monitor(partner, monitor)
    return partner
  } catch (error) {
    spawned(undefined)
    throw error
  }
}

class Conversation {
  readonly #asked: WebSocketUpgrade
  readonly #socket: WebSocket
  readonly #partner: Pid
  readonly #me = currentParticipant()
  /** How to close when nobody has anything left to say. */
  #ending: WebSocketClose | undefined
  #partnerEnded = false
  #patience: NodeJS.Timeout | undefined

  constructor(asked: WebSocketUpgrade, socket: WebSocket, partner: Pid) {
    this.#asked = asked
    this.#socket = socket
    this.#partner = partner
    socket.binaryType = 'arraybuffer'
  }

  /** Settles when the socket is closed and the process knows. @throws what ended the connection from this side. */
  async run(): Promise<void> {
    const socket = this.#socket
    using keepAlive = new KeepAlive(socket, this.#asked.route.fields.pingInterval)
    const closed = this.#closed()
    const received = this.#receive(() => {
      keepAlive.heard()
    })
    void this.#watch()
    const written = this.#write()
    for (const way of [received, written]) {
      way.catch(() => {
        this.#close(failed)
      })
    }
    this.#onKilled()
    await this.#tell('ws.open', this.#opening())
    socket.resume()
    const close = await closed
    clearTimeout(this.#patience)
    await received
    if (!this.#partnerEnded) await this.#tell('ws.close', close)
    currentRuntime().cancel(this.#me.pid, 'its socket is closed')
    await written
  }

  #opening(): WebSocketOpen {
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
    // Whatever goes wrong, the socket is closed after it.
    this.#socket.on('error', () => undefined)
    return new Promise((resolve) => {
      this.#socket.once('close', (code, reason) => {
        resolve({ code, reason: reason.toString() })
      })
    })
  }

  /** What comes in goes to the process; while that has no room, nothing more is read. */
  async #receive(onMessage: () => void): Promise<void> {
    const messages = on(this.#socket, 'message', { close: ['close'], highWaterMark: 1, lowWaterMark: 1 })
    try {
      for await (const event of messages) {
        const data: unknown = event[0]
        onMessage()
        if (!(data instanceof ArrayBuffer)) await this.#tell('ws.message', String(data))
        // All empty messages share one buffer, which can not be moved twice.
        else if (data.byteLength === 0) await this.#tell('ws.message', new Uint8Array())
        else await this.#tell('ws.message', new Uint8Array(data), [data])
      }
    } catch (error) {
      // After a breach of the protocol the socket closes by itself, with the code that says so.
      if (this.#socket.readyState === this.#socket.OPEN) throw error
    }
  }

  /** What the process sends goes out; while the other side does not read, the process waits. */
  async #write(): Promise<void> {
    for await (const message of self.inbox) {
      if (message.topic === 'ws.send') await this.#send(parseData(message.payload), message.expectsReply)
      else if (message.topic === 'ws.close') this.#close(parseClose(message.payload))
      message.reply()
    }
    this.#close(this.#ending ?? goingAway)
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

  /** Notes how the process ended; what it sent before is written first. */
  async #watch(): Promise<void> {
    for await (const event of self.events) {
      if (event.type === 'CANCEL') this.#ending ??= event.reason === tokenRevoked ? revoked : goingAway
      if (event.type !== 'EXIT' || event.from !== this.#partner) continue
      this.#partnerEnded = true
      this.#ending = 'error' in event.result ? failed : { code: 1000, reason: '' }
      // Its inbox ends once it is empty.
      currentRuntime().cancel(this.#me.pid, 'its process has ended')
      this.#hurry()
    }
  }

  /** Who ends this process by force cuts the connection. */
  #onKilled(): void {
    self.signal.addEventListener('abort', () => {
      if (this.#me.ended) this.#socket.terminate()
    })
  }

  #close({ code, reason }: WebSocketClose): void {
    this.#socket.close(code, reason)
    this.#hurry()
  }

  /** The other side may take its time, but not for ever. */
  #hurry(): void {
    this.#patience ??= setTimeout(() => {
      this.#socket.terminate()
    }, this.#asked.route.fields.closeTimeout)
  }

  /** Waits for room. A process that has ended is told nothing. */
  async #tell(topic: string, payload: unknown, transfer: readonly ArrayBuffer[] = []): Promise<void> {
    // Whoever configured the connection let it speak to this process: policies are not asked again.
    const message = { to: this.#partner, topic, payload, frame: this.#me.frame, transfer }
    try {
      await currentRuntime().post.send(this.#me, message)
    } catch (error) {
      if (!(error instanceof TroupeError && error.kind === 'NotFound')) throw error
    }
  }
}
