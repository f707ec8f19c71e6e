/** A SAM connection for the tests' own servers and probes: a line, and its reply. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'

export class SamLines implements AsyncDisposable {
  readonly socket: Socket
  readonly #lines: AsyncIterator<string>

  private constructor(socket: Socket) {
    this.socket = socket.on('error', () => socket.destroy())
    this.#lines = createInterface({ input: socket })[Symbol.asyncIterator]()
  }

  static async open(host: string, port: number): Promise<SamLines> {
    const socket = connect({ host, port, noDelay: true })
    await once(socket, 'connect')
    const lines = new SamLines(socket)
    await lines.ask('HELLO VERSION MIN=3.0 MAX=3.1')
    return lines
  }

  async ask(command: string): Promise<string> {
    this.socket.write(`${command}\n`)
    const line = await this.#lines.next()
    if (line.done === true) throw new Error(`the SAM bridge closed on: ${command.slice(0, 60)}`)
    return line.value
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy()
  }
}

const alphabet = 'abcdefghijklmnopqrstuvwxyz234567'

/** The `.b32.i2p` name of a destination, computed here, so that the driver's result can be compared with it. */
export function address32(destination: string): string {
  const digest = createHash('sha256')
    .update(Buffer.from(destination.replaceAll('-', '+').replaceAll('~', '/'), 'base64'))
    .digest()
  const bits = Array.from(digest, (byte) => byte.toString(2).padStart(8, '0')).join('')
  const letters = Array.from(
    { length: Math.ceil(bits.length / 5) },
    (_, at) => alphabet[Number.parseInt(bits.slice(at * 5, at * 5 + 5).padEnd(5, '0'), 2)],
  )
  return `${letters.join('')}.b32.i2p`
}
