/** A separate tailnet for a test: a coordination server with a relay and an ACME server beside it, all on loopback. */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { programs } from './install.ts'
import { tailnetProgram } from './tailscale-programs.ts'

export interface KeyOptions {
  readonly user?: string
  readonly reusable?: boolean
  readonly expired?: boolean
  readonly ephemeral?: boolean
  readonly tags?: readonly string[]
}

type Line = Readonly<Record<string, unknown>>

export class Tailnet implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>
  readonly #answers = new Map<number, (line: Line) => void>()
  readonly #events = new EventEmitter<{ line: [Line] }>()
  #id = 0
  #ready: Line = {}

  private constructor(program: readonly [string, ...string[]]) {
    const [path, ...args] = program
    this.#child = spawn(path, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#take(line))
  }

  /** @param within - A program, with its arguments, that runs it, such as in a namespace. */
  static async start({
    ip = '127.0.0.1',
    within = [],
  }: {
    readonly ip?: string
    readonly within?: readonly string[]
  } = {}): Promise<Tailnet> {
    // The kernel ends it when this process ends, however it ends.
    const tailnet = new Tailnet([programs.setpriv.path, '--pdeathsig', 'TERM', ...within, tailnetProgram, '-ip', ip])
    tailnet.#ready = await tailnet.#happens((line) => line['ev'] === 'ready')
    return tailnet
  }

  /** Of the coordination server. */
  get url(): string {
    return this.#fact('url')
  }

  get relayPort(): number {
    return Number(this.#fact('relay_port'))
  }

  /** Suffix of all names. */
  get domain(): string {
    return this.#fact('domain')
  }

  /** The directory of the ACME server, and the authority that signs its certificates (PEM). */
  get acme(): { readonly directory: string; readonly root: string; readonly tlsRoot: string } {
    return { directory: this.#fact('acme'), root: this.#fact('acme_root'), tlsRoot: this.#fact('tls_root') }
  }

  async key(options: KeyOptions = {}): Promise<string> {
    const { key } = await this.command('key', { reusable: true, ...options })
    return String(key)
  }

  /** Sends the server a command: see `tcontrol/commands.go`. */
  async command(op: string, fields: Line = {}): Promise<Line> {
    this.#id += 1
    const id = this.#id
    const answer = await new Promise<Line>((resolve) => {
      this.#answers.set(id, resolve)
      this.#child.stdin.write(`${JSON.stringify({ id, op, ...fields })}\n`)
    })
    if (answer['ok'] !== true) throw new Error(`the tailnet refused "${op}": ${String(answer['error'])}`)
    return answer
  }

  /** Resolves the next time that a node is `joined`, `online`, `offline`, `changed` or `removed`. */
  async changes(node: string, change: string): Promise<void> {
    await this.#happens((line) => line['change'] === change && nameOf(line['node']) === node)
  }

  async #happens(wanted: (line: Line) => boolean): Promise<Line> {
    return new Promise((resolve, reject) => {
      const onLine = (line: Line) => {
        if (!wanted(line)) return
        this.#events.off('line', onLine)
        resolve(line)
      }
      this.#events.on('line', onLine)
      this.#child.once('exit', () => reject(new Error('the tailnet has ended')))
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.stdin.end()
    await ended
  }

  #fact(name: string): string {
    return String(this.#ready[name])
  }

  #take(text: string): void {
    const line = parsed(text)
    const id = line['id']
    if (typeof id !== 'number') this.#events.emit('line', line)
    else {
      this.#answers.get(id)?.(line)
      this.#answers.delete(id)
    }
  }
}

function nameOf(node: unknown): unknown {
  return typeof node === 'object' && node !== null && 'name' in node ? node.name : undefined
}

function parsed(text: string): Line
function parsed(text: string): unknown {
  const value: unknown = JSON.parse(text)
  return value
}
