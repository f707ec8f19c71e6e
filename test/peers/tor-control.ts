/** A client of Tor's control port (control-spec), sufficient to see which circuit a stream is on. */
import { EventEmitter, once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import type { TorPeer } from './peers.ts'

export interface TorStream {
  readonly id: string
  /** `NEW`, `SENTCONNECT`, `REMAP`, `SUCCEEDED`, `CLOSED`, … */
  readonly status: string
  /** Its circuit; `0` while there is none. */
  readonly circuit: string
  /** `host:port`: as requested in `NEW`, with the address that the exit found later on. */
  readonly target: string
}

const streamLine = /^(\d+) ([A-Z]+) (\d+) (\S+)/

export class TorControl implements Disposable {
  /** The events of streams since the control port was opened. */
  readonly events: TorStream[] = []
  readonly #socket: Socket
  readonly #answers = new EventEmitter<{ answer: [readonly string[]] }>()
  readonly #answer: string[] = []
  #inData = false

  private constructor(socket: Socket) {
    this.#socket = socket
    createInterface({ input: socket }).on('line', (line) => this.#take(line))
  }

  static async open({ control, cookie }: TorPeer): Promise<TorControl> {
    const socket = connect(control.port, control.host)
    await once(socket, 'connect')
    const client = new TorControl(socket)
    await client.ask(`AUTHENTICATE ${cookie}`)
    await client.ask('SETEVENTS STREAM')
    return client
  }

  /** Sends a command; returns the lines of its reply. One at a time. */
  async ask(command: string): Promise<readonly string[]> {
    const answered = new Promise<readonly string[]>((resolve) => this.#answers.once('answer', resolve))
    this.#socket.write(`${command}\r\n`)
    const answer = await answered
    if (!answer.at(-1)?.startsWith('250'))
      throw new Error(`Tor answered "${answer.at(-1)}" to ${command.split(' ')[0]}`)
    return answer
  }

  /** Returns the open streams. By then, {@link events} contains everything that happened to them before. */
  async streams(): Promise<readonly TorStream[]> {
    const lines = await this.ask('GETINFO stream-status')
    return lines.flatMap((line) => readStream(line.replace('250-stream-status=', '')))
  }

  /**
   * Runs `fn` while Tor refuses to connect to addresses, which are a sign of names that were resolved in the wrong
   * place. An address that a connection has failed to before may still pass: Tor keeps an entry for it and treats it as
   * mapped.
   */
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

  #take(line: string): void {
    if (line.startsWith('650 STREAM ')) {
      this.events.push(...readStream(line.slice('650 STREAM '.length)))
      return
    }
    this.#answer.push(line)
    if (this.#inData) this.#inData = line !== '.'
    else if (line[3] === '+') this.#inData = true
    else if (line[3] === ' ') this.#answers.emit('answer', this.#answer.splice(0))
  }
}

function readStream(text: string): readonly TorStream[] {
  const [, id, status, circuit, target] = streamLine.exec(text) ?? []
  return id && status && circuit && target ? [{ id, status, circuit, target }] : []
}
