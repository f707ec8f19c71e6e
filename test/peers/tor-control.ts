/** A client of Tor's control port (control-spec): enough to see which circuit a stream is on. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import type { TorPeer } from './peers.ts'

export interface TorStream {
  readonly id: string
  readonly status: string
  readonly circuit: string
  /** `host:port`, as it was asked for. */
  readonly target: string
}

export class TorControl implements Disposable {
  readonly #socket: Socket
  readonly #lines: AsyncIterator<string>

  private constructor(socket: Socket) {
    this.#socket = socket
    this.#lines = createInterface({ input: socket })[Symbol.asyncIterator]()
  }

  static async open({ control, cookie }: TorPeer): Promise<TorControl> {
    const socket = connect(control.port, control.host)
    await once(socket, 'connect')
    const client = new TorControl(socket)
    await client.ask(`AUTHENTICATE ${cookie}`)
    return client
  }

  /** Sends a command; the lines of its answer. One at a time. */
  async ask(command: string): Promise<readonly string[]> {
    this.#socket.write(`${command}\r\n`)
    const answer: string[] = []
    let inData = false
    for (;;) {
      const next: IteratorResult<string, unknown> = await this.#lines.next()
      if (next.done) throw new Error('Tor closed the control connection')
      const line = next.value
      answer.push(line)
      if (inData) inData = line !== '.'
      else if (line[3] === '+') inData = true
      else if (line[3] === ' ') break
    }
    if (!answer.at(-1)?.startsWith('250')) throw new Error(`Tor answered "${answer.at(-1)}" to ${command.split(' ')[0]}`)
    return answer
  }

  /** The streams that are open. */
  async streams(): Promise<readonly TorStream[]> {
    const lines = await this.ask('GETINFO stream-status')
    return lines.flatMap((line) => {
      const [, id, status, circuit, target] = /^(?:250.stream-status=)?(\d+) (\w+) (\d+) (\S+)/.exec(line) ?? []
      return id && status && circuit && target ? [{ id, status, circuit, target }] : []
    })
  }

  /** Runs `fn` while Tor refuses to connect to addresses, which are a sign of names resolved in the wrong place. */
  async withSafeSocks<T>(fn: () => Promise<T>): Promise<T> {
    await this.ask('SETCONF SafeSocks=1')
    try {
      return await fn()
    } finally {
      await this.ask('RESETCONF SafeSocks')
    }
  }

  [Symbol.dispose](): void {
    this.#socket.destroy()
  }
}
