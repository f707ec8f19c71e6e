/** A program that runs beside the tests, writes a log, and ends with the process that started it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { appendFileSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { programs } from './install.ts'

/** The maximum time until a peer works. */
const startTimeout = 60_000
const stopTimeout = 5000

export interface DaemonOptions {
  readonly name: string
  readonly program: string
  readonly args: readonly string[]
  /** File that receives all its output. */
  readonly log: string
  /** The signal that ends it when its parent dies. @default TERM */
  readonly deathSignal?: 'TERM' | 'KILL'
}

export class Daemon implements AsyncDisposable {
  readonly log: string
  readonly #name: string
  readonly #child: ChildProcess
  readonly #lines: string[] = []
  readonly #events = new EventEmitter<{ line: [string] }>()
  readonly #exited: Promise<unknown>

  constructor({ name, program, args, log, deathSignal = 'TERM' }: DaemonOptions) {
    this.#name = name
    this.log = log
    writeFileSync(log, '')
    // The kernel ends it when this process ends, however it ends.
    this.#child = spawn(programs.setpriv.path, ['--pdeathsig', deathSignal, program, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#exited = once(this.#child, 'exit').catch(() => undefined)
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream) createInterface({ input: stream }).on('line', (line) => this.#take(line))
    }
  }

  /** Resolves when the daemon has printed, or prints, a line that matches. */
  async printed(pattern: RegExp): Promise<string> {
    const before = this.#lines.find((line) => pattern.test(line))
    if (before !== undefined) return before
    return this.#whileAlive(
      new Promise((resolve) => {
        this.#events.on('line', (line) => {
          if (pattern.test(line)) resolve(line)
        })
      }),
    )
  }

  /** Repeats `attempt` until it succeeds: for states that a daemon does not report. */
  async until<T>(attempt: () => Promise<T>): Promise<T> {
    const end = Date.now() + startTimeout
    const repeat = async (): Promise<T> => {
      for (;;) {
        try {
          return await attempt()
        } catch (error) {
          if (Date.now() > end) throw error
          await new Promise((resolve) => setTimeout(resolve, 50))
        }
      }
    }
    return this.#whileAlive(repeat())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGTERM')
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), stopTimeout)
    await this.#exited
    clearTimeout(timer)
  }

  #take(line: string): void {
    appendFileSync(this.log, `${line}\n`)
    this.#lines.push(line)
    this.#events.emit('line', line)
  }

  async #whileAlive<T>(wanted: Promise<T>): Promise<T> {
    const timeout = AbortSignal.timeout(startTimeout)
    const late = once(timeout, 'abort').then(() => this.#fail(`did not work within ${startTimeout} ms`))
    const died = this.#exited.then(() => this.#fail('ended'))
    return Promise.race([wanted, late, died])
  }

  #fail(what: string): never {
    throw new Error(`${this.#name} ${what}. It printed:\n${this.#lines.slice(-10).join('\n')}`)
  }
}
