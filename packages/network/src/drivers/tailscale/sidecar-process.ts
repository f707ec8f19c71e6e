/** One life of the sidecar: a process, and the requests on its standard input. */
import { startDeadline, stopTimer, TroupeError, unavailable } from '@troupe/core'
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import type { z } from 'zod'
import { startProgram } from '../../guard/node/own-threads.ts'
import { answer as answerLine, type NodeEvent, nodeEvent, ready } from './sidecar-messages.ts'
import { refusalError } from './error-codes.ts'
import { type Fields, readAnswer, readFields } from './json-line.ts'

/** The version of the protocol that this code uses. */
const protocol = 3
const startTimeout = 10_000
/** The time that the sidecar needs to close its nodes, with a margin, before it is killed. */
const stopTimeout = 7_000
const keptWords = 20
/** Milliseconds without any reply before it is killed and restarted, because it hangs. */
const hangs = 20_000
/** Requests that may take longer depend on others, such as a login. */
const quickAnswer = 10_000

/**
 * Variables of this process that the sidecar gets. It gets no others, because one may contain a key. `GOMEMLIMIT` is
 * the soft limit of its heap; the proxy variables apply to its connections to the control server and its relays.
 */
const environment = [
  'GOMEMLIMIT',
  'HOME',
  'HTTPS_PROXY',
  'HTTP_PROXY',
  'LANG',
  'NODE_EXTRA_CA_CERTS',
  'NO_PROXY',
  'PATH',
  'SSL_CERT_DIR',
  'SSL_CERT_FILE',
  'TMPDIR',
  'TS_DEBUG_ACME_DIRECTORY_URL',
  'TS_DISABLE_PORTMAPPER',
]

export interface SidecarProcessOptions {
  /** Path of its program. */
  readonly program: string
  /** File of authorities (PEM) that it trusts in addition to the system's. */
  readonly authorities?: string | undefined
  /** Path of the data socket, in a folder that only this user can access. */
  readonly socket: string
  readonly onEvent: (event: NodeEvent) => void
}

interface Pending {
  readonly settle: (line: Fields | undefined) => void
  readonly fail: (error: TroupeError) => void
}

export class SidecarProcess {
  readonly socket: string
  /** Settles when the process has ended, with a description of how. Never rejects. */
  readonly ended: Promise<string>
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>
  readonly #pending = new Map<number, Pending>()
  readonly #onEvent: (event: NodeEvent) => void
  readonly #ready = Promise.withResolvers<void>()
  readonly #words: string[] = []
  #id = 0
  #isOver = false
  /** Time of the oldest request without a reply; `undefined` after any output. In terms of `performance.now()`. */
  #silentSince: number | undefined

  /**
   * Settles when it accepts requests. @throws TroupeError `Unavailable`; `Invalid` for a program that is not our
   * sidecar.
   */
  static async start(options: SidecarProcessOptions): Promise<SidecarProcess> {
    const sidecar = new SidecarProcess(options)
    const timer = startDeadline(
      () => sidecar.#ready.reject(unavailable(`the sidecar did not start within ${startTimeout} ms`)),
      startTimeout,
    )
    try {
      await sidecar.#ready.promise
      return sidecar
    } catch (error) {
      sidecar.kill()
      throw error
    } finally {
      stopTimer(timer)
    }
  }

  private constructor({ program, socket, authorities, onEvent }: SidecarProcessOptions) {
    this.socket = socket
    this.#onEvent = onEvent
    // In the session of this process, which the scheduler treats as one unit
    // (`docs/discoveries/0047-a-session-is-scheduled-as-one.md`).
    const options = { stdio: ['pipe', 'pipe', 'pipe'], env: environmentOf(process.env) } as const
    this.#child = startProgram(() =>
      spawn(program, ['--sock', socket, ...(authorities === undefined ? [] : ['--ca', authorities])], {
        ...options,
        stdio: [...options.stdio],
      }),
    )
    const { stdin, stdout, stderr } = this.#child
    stdin.on('error', () => {})
    createInterface({ input: stdout }).on('line', (line) => this.#take(line))
    createInterface({ input: stderr }).on('line', (line) => this.#hear(line))
    this.ended = this.#end()
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /**
   * Sends the request `op`.
   *
   * @param timeout - Milliseconds for the reply.
   * @throws TroupeError according to the sidecar's code; `Unavailable` when it ends, `Timeout`.
   */
  async request<S extends z.ZodObject>(op: string, fields: object, schema: S, timeout: number): Promise<z.output<S>> {
    if (this.#isOver) throw unavailable('the sidecar has ended')
    this.#id += 1
    const id = this.#id
    const { promise, resolve, reject } = Promise.withResolvers<Fields | undefined>()
    const asked = performance.now()
    const late = () => {
      reject(new TroupeError('Timeout', `the sidecar did not answer "${op}" in ${timeout} ms`))
      if (timeout <= quickAnswer) this.#missed(asked)
    }
    const timer = startDeadline(late, timeout)
    this.#pending.set(id, { settle: resolve, fail: reject })
    this.#child.stdin.write(`${JSON.stringify({ id, op, ...fields })}\n`)
    try {
      const answer = readAnswer(await promise, (fields) => schema.safeParse(fields).data)
      if (answer === undefined)
        throw new TroupeError('Internal', `the sidecar sent an invalid reply to "${op}". Is it of another version?`)
      if ('refused' in answer) throw refusalError(answer.refused)
      return answer.taken
    } finally {
      stopTimer(timer)
      this.#pending.delete(id)
    }
  }

  /** Makes it close its nodes and end. Settles when it has ended. */
  async stop(): Promise<void> {
    this.#child.stdin.end()
    const timer = startDeadline(() => this.kill(), stopTimeout)
    await this.ended
    stopTimer(timer)
  }

  /** Kills it at once. */
  kill(): void {
    this.#child.kill('SIGKILL')
  }

  async #end(): Promise<string> {
    const how = await once(this.#child, 'exit').then(
      ([code, signal]: readonly unknown[]) =>
        typeof signal === 'string' ? `by ${signal}` : `with code ${String(code)}`,
      (error: unknown) => `before it began: ${error instanceof Error ? error.message : String(error)}`,
    )
    this.#isOver = true
    const words = this.#words.length === 0 ? '' : `. It said: ${this.#words.join(' | ')}`
    const error = unavailable(`the sidecar has ended ${how}${words}`)
    this.#ready.reject(error)
    // A start that is no longer awaited.
    this.#ready.promise.catch(() => {})
    for (const { fail } of this.#pending.values()) fail(error)
    return `${how}${words}`
  }

  /** A request that was sent at `asked` got no reply. */
  #missed(asked: number): void {
    this.#silentSince ??= asked
    if (performance.now() - this.#silentSince >= hangs) this.kill()
  }

  #take(line: string): void {
    this.#silentSince = undefined
    const value = readFields(line)
    const answered = answerLine.safeParse(value)
    if (answered.success) {
      this.#pending.get(answered.data.id)?.settle(value)
      return
    }
    const event = nodeEvent.safeParse(value)
    if (event.success) this.#onEvent(event.data)
    else this.#begin(value)
  }

  #begin(value: unknown): void {
    const first = ready.safeParse(value)
    if (!first.success) return
    const { proto } = first.data
    if (proto >= protocol) this.#ready.resolve()
    else
      this.#ready.reject(
        new TroupeError(
          'Invalid',
          `the sidecar speaks version ${proto} of the protocol, and ${protocol} ` +
            'is needed: install the @troupe/tsnet that belongs to this version',
          { retryable: false },
        ),
      )
  }

  /** On standard error, only a crash is reported. */
  #hear(line: string): void {
    if (this.#words.length < keptWords) this.#words.push(line)
  }
}

function environmentOf(all: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(environment.flatMap((name) => (all[name] === undefined ? [] : [[name, all[name]]])))
}
