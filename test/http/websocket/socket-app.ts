/** An application with one server on loopback whose routes are WebSockets, and its clients. */
import { once } from 'node:events'
import { entryId } from '@troupe/core'
import { startApp, type TestApp, type WrittenEntry } from 'troupe/test'
import { type ClientOptions, WebSocket } from 'ws'

export interface SocketAppOptions {
  /**
   * Fields of `http.websocket` entries by their names, which are also their paths; their `process` is an export of
   * `fixtures/programs.ts`.
   */
  readonly sockets: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  /** Fields of the router. */
  readonly router?: Readonly<Record<string, unknown>>
  readonly service?: Readonly<Record<string, unknown>>
  readonly entries?: readonly WrittenEntry[]
}

export interface SocketApp extends AsyncDisposable {
  readonly app: TestApp
  readonly port: number
  /** The URL of an entry. */
  url(name: string): string
}

const programs = ['echo', 'whoami', 'hall', 'clock', 'brief']

export async function startSocketApp({
  sockets,
  router = {},
  service = {},
  entries = [],
}: SocketAppOptions): Promise<SocketApp> {
  const app = await startApp({
    root: import.meta.dirname,
    entries: [
      {
        id: 'app:host',
        kind: 'process.host',
        host: { isolation: 'shared', workers: 1 },
        lifecycle: { auto_start: true },
      },
      ...programs.map((method) => ({
        id: `app:${method}`,
        kind: 'process.ts',
        source: 'file://fixtures/programs.ts',
        method,
      })),
      { id: 'app:web', kind: 'http.service', addr: '127.0.0.1:0', lifecycle: { auto_start: true }, ...service },
      { id: 'app:router', kind: 'http.router', meta: { server: 'app:web' }, ...router },
      ...Object.entries(sockets).map(([name, fields]) => socketEntry(name, fields)),
      ...entries,
    ],
  })
  await app.until('app:web', 'Running')
  const { port } = app.app.address(entryId('app:web'))
  return {
    app,
    port,
    url: (name) => `ws://127.0.0.1:${port}/${name}`,
    async [Symbol.asyncDispose]() {
      await app.stop()
    },
  }
}

export function socketEntry(name: string, fields: Readonly<Record<string, unknown>>): WrittenEntry {
  return {
    id: `app:${name}-socket`,
    kind: 'http.websocket',
    meta: { router: 'app:router' },
    path: `/${name}`,
    ...('target' in fields ? {} : { process: `app:${name}`, host: 'app:host' }),
    ...fields,
  }
}

/** A connected client. Messages of the server are queued until they are read. */
export class Client {
  readonly #socket: WebSocket
  readonly #messages: string[] = []
  #wake: () => void = () => undefined
  /** How it was closed. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>

  private constructor(socket: WebSocket) {
    this.#socket = socket
    socket.on('message', (data) => {
      this.#messages.push(Buffer.isBuffer(data) ? data.toString() : '')
      this.#wake()
    })
    this.closed = new Promise((resolve) => {
      socket.once('close', (code, reason) => {
        resolve({ code, reason: reason.toString() })
      })
    })
  }

  static async open(url: string, options: ClientOptions = {}): Promise<Client> {
    const socket = new WebSocket(url, options)
    const client = new Client(socket)
    await once(socket, 'open')
    return client
  }

  async next(): Promise<string> {
    for (;;) {
      const message = this.#messages.shift()
      if (message !== undefined) return message
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  /** Sends, and waits for the reply. */
  async ask(text: string): Promise<string> {
    this.#socket.send(text)
    return this.next()
  }

  close(): void {
    this.#socket.close(1000)
  }
}

/** The status by which an upgrade is refused; `101` if it is accepted. */
export async function statusOf(url: string, options: ClientOptions = {}): Promise<number | undefined> {
  const socket = new WebSocket(url, options)
  socket.on('error', () => undefined)
  return new Promise((resolve) => {
    socket.once('unexpected-response', (_, response) => {
      response.resume()
      resolve(response.statusCode)
    })
    socket.once('open', () => {
      socket.close()
      resolve(101)
    })
  })
}
