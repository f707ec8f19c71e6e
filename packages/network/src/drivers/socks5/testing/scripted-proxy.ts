/** For tests: a proxy that follows a script, byte by byte if wanted, and records what it receives. */
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'

/** Reads the client's next `bytes`. */
export type Read = (bytes: number) => Promise<Buffer>
export type Script = (socket: Socket, read: Read) => Promise<void>

export class ScriptedProxy implements AsyncDisposable {
  readonly port: number
  /** All that clients sent, in order. */
  readonly heard: Buffer[] = []
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(server: Server, port: number) {
    this.#server = server
    this.port = port
  }

  /**
   * @param path - Of the Unix socket to listen on, in place of a port.
   * @param host - To listen on, where there is no path.
   */
  static async start(script: Script, path?: string, host = '127.0.0.1'): Promise<ScriptedProxy> {
    const server = createServer({ noDelay: true })
    if (path === undefined) server.listen(0, host)
    else server.listen(path)
    await once(server, 'listening')
    const address = server.address()
    const proxy = new ScriptedProxy(server, typeof address === 'object' && address ? address.port : 0)
    server.on('connection', (socket) => proxy.#serve(socket, script))
    return proxy
  }

  /** The connections that are open. */
  get open(): number {
    return this.#sockets.size
  }

  /** Resolves when a client connects. */
  async connected(): Promise<void> {
    await once(this.#server, 'connection')
  }

  /** Resolves when no client is connected. */
  async deserted(): Promise<void> {
    for (const socket of this.#sockets) if (!socket.closed) await once(socket, 'close')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #serve(socket: Socket, script: Script): void {
    this.#sockets.add(socket)
    socket.on('error', () => socket.destroy()).on('close', () => this.#sockets.delete(socket))
    const read: Read = async (bytes) => {
      for (;;) {
        const chunk: unknown = socket.read(bytes)
        if (Buffer.isBuffer(chunk)) {
          this.heard.push(chunk)
          return chunk
        }
        await once(socket, 'readable')
      }
    }
    // Data that the script does not read is discarded, so that the client's end is detected.
    script(socket, read).then(
      () => socket.resume(),
      () => socket.destroy(),
    )
  }
}

/** A script that reads the client's messages and replies to each; `split` is the number of bytes in each write. */
export function answering(answers: { greeting: Buffer; login?: Buffer; reply: Buffer }, split = Infinity): Script {
  return async (socket, read) => {
    const methods = await read(2)
    await read(methods.readUInt8(1))
    await say(socket, answers.greeting, split)
    if (answers.login) {
      await read((await read(2)).readUInt8(1))
      await read((await read(1)).readUInt8(0))
      await say(socket, answers.login, split)
    }
    await readRequest(read)
    await say(socket, answers.reply, split)
  }
}

/** Reads a request; returns its address and port, as received. */
export async function readRequest(read: Read): Promise<{ addressType: number; address: Buffer; port: number }> {
  const addressType = (await read(4)).readUInt8(3)
  const length = addressType === 1 ? 4 : addressType === 4 ? 16 : (await read(1)).readUInt8(0)
  const address = await read(length)
  return { addressType, address, port: (await read(2)).readUInt16BE(0) }
}

async function say(socket: Socket, bytes: Buffer, split: number): Promise<void> {
  for (let at = 0; at < bytes.length; at += split) {
    await new Promise<void>((resolve) => socket.write(bytes.subarray(at, at + split), () => resolve()))
    // Lets the client's side of the loop run, so that separate writes are not read as one.
    if (split < bytes.length) await new Promise(setImmediate)
  }
}
