/** An application in its own folder outside of the repository, and the program `troupe` run on it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

const repository = resolve(import.meta.dirname, '../..')
const program = join(repository, 'packages/cli/src/troupe.ts')

export interface Ended {
  readonly status: number | null
  /** The signal that killed it; absent for a program that ends by itself. */
  readonly signal: NodeJS.Signals | null
  readonly out: string
  readonly err: string
}

export class AppFolder implements Disposable {
  readonly path: string

  /** Writes `files` (name to text) into a new folder, where packages are those of this repository. */
  constructor(files: Readonly<Record<string, string>>) {
    this.path = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-app-')))
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.path, name)), { recursive: true })
      writeFileSync(join(this.path, name), text)
    }
    symlinkSync(join(repository, 'node_modules'), join(this.path, 'node_modules'))
  }

  /** The program `troupe`. */
  get programPath(): string {
    return program
  }

  /** Starts `troupe` in this folder. */
  start(...argv: readonly string[]): Program {
    return new Program(process.execPath, [program, ...argv], this.path)
  }

  /** Runs `troupe` to its end. */
  async troupe(...argv: readonly string[]): Promise<Ended> {
    return this.start(...argv).ended
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}

/** A running program; killed when the test is over. */
export class Program implements Disposable {
  readonly ended: Promise<Ended>
  readonly #child: ChildProcess
  readonly #said = { stdout: '', stderr: '' }
  readonly #waiting: (() => void)[] = []

  constructor(command: string, argv: readonly string[], cwd: string, env: NodeJS.ProcessEnv = process.env) {
    const child = spawn(command, argv, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        this.#said[name] += text
        for (const wake of this.#waiting.splice(0)) wake()
      })
    }
    this.ended = this.#untilClosed()
  }

  /** Settles when the program has written `text`. */
  async says(text: string): Promise<void> {
    while (!`${this.#said.stdout}\0${this.#said.stderr}`.includes(text)) {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null)
        throw new Error(`it ended without saying "${text}":\n${this.#said.stdout}${this.#said.stderr}`)
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#waiting.push(resolve)
      await promise
    }
  }

  /** All that it has written to its standard output. */
  get all(): string {
    return this.#said.stdout
  }

  /** The first group of what the program has written that matches. */
  match(pattern: RegExp): string {
    return pattern.exec(`${this.#said.stdout}\0${this.#said.stderr}`)?.[1] ?? ''
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL')
  }

  async #untilClosed(): Promise<Ended> {
    await once(this.#child, 'close')
    for (const wake of this.#waiting.splice(0)) wake()
    return {
      status: this.#child.exitCode,
      signal: this.#child.signalCode,
      out: this.#said.stdout,
      err: this.#said.stderr,
    }
  }
}
