/** For tests: a SAM bridge that replies according to a script, line by line, in chunks of any size. */
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'

/** What a bridge does with a line. */
export type Script = (line: string, say: (text: string | Buffer) => void, socket: Socket) => void | Promise<void>

export const greeting = 'HELLO REPLY RESULT=OK VERSION=3.1\n'

export class ScriptedBridge implements AsyncDisposable {
  /** All received lines, in order. */
  readonly lines: string[] = []
  /** The open sockets. */
  readonly sockets = new Set<Socket>()
  readonly port: number
  readonly #server: Server

  private constructor(server: Server, port: number) {
    this.#server = server
    this.port = port
  }

  /** @param split - Bytes in each write. */
  static async start(script: Script, { port = 0, split = Number.POSITIVE_INFINITY } = {}): Promise<ScriptedBridge> {
    const server = createServer()
    await once(server.listen(port, '127.0.0.1'), 'listening')
    const address = server.address()
    const bridge = new ScriptedBridge(server, typeof address === 'object' && address ? address.port : 0)
    server.on('connection', (socket) => bridge.#serve(socket.setNoDelay(), script, split))
    return bridge
  }

  /** Settles when no client is connected. */
  async deserted(): Promise<void> {
    while (this.sockets.size > 0) await new Promise(setImmediate)
  }

  /** Resets all connections, like a router that dies. */
  cut(): void {
    for (const socket of this.sockets) socket.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut()
    const closed = once(this.#server, 'close')
    this.#server.close()
    await closed
  }

  #serve(socket: Socket, script: Script, split: number): void {
    this.sockets.add(socket)
    socket.on('error', () => undefined).on('close', () => this.sockets.delete(socket))
    let last = Promise.resolve()
    const say = (text: string | Buffer) => {
      last = last.then(async () => inPieces(socket, Buffer.from(text), split))
    }
    let heard = ''
    socket.on('data', (chunk) => {
      heard += chunk.toString('latin1')
      for (let end = heard.indexOf('\n'); end >= 0; end = heard.indexOf('\n')) {
        const line = heard.slice(0, end)
        heard = heard.slice(end + 1)
        this.lines.push(line)
        void script(line, say, socket)
      }
    })
  }
}

async function inPieces(socket: Socket, bytes: Buffer, size: number): Promise<void> {
  for (let at = 0; at < bytes.length && !socket.destroyed; at += size) {
    await new Promise<void>((resolve) => socket.write(bytes.subarray(at, at + size), () => resolve()))
    // Lets the client's side of the loop run, so that separate writes are not read as one.
    if (size < bytes.length) await new Promise(setImmediate)
  }
}

/** Sends a greeting, and replies to each other line by its prefix; a line without a reply is ignored. */
export function answering(answers: Readonly<Record<string, string>>): Script {
  const all: Readonly<Record<string, string>> = { HELLO: greeting, ...answers }
  return (line, say) => {
    const found = Object.keys(all).find((start) => line.startsWith(start))
    if (found !== undefined) say(all[found] ?? '')
  }
}
