/** A helper program of the benchmark that reads request lines, prints result lines, and ends with the benchmark. */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { programs } from '../peers/install.ts'

export class LineProgram implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>
  readonly #lines: AsyncIterator<string>

  constructor(command: readonly string[]) {
    this.#child = spawn(programs.setpriv.path, ['--pdeathsig', 'TERM', ...command], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]()
  }

  /** The next line that it prints. */
  async line(): Promise<string> {
    const next = await this.#lines.next()
    if (next.done === true) throw new Error('a program of the benchmark has ended')
    return next.value
  }

  async ask(question = ''): Promise<string> {
    this.#child.stdin.write(`${question}\n`)
    return this.line()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill()
    await ended
  }
}
