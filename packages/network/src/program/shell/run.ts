/** Runs parsed shell commands. Programs are started by `child_process`, where the guard decides about each. */
import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, writeSync } from 'node:fs'
import { constants } from 'node:os'
import { resolve } from 'node:path'
import { builtinNames } from './builtins.ts'
import { expandText, expandWord, type Scope, UnsetVariable } from './expand.ts'
import { type SetOptions, setOptions } from './set-options.ts'
import type { Command, ListItem, Pipeline, Redirect } from './syntax.ts'

const notFound = 127
const notAllowed = 126
const signalled = 128
const failed = { status: Promise.resolve(1), output: null }

/** `exit` was called. */
class Exit extends Error {
  readonly status: number

  constructor(status: number) {
    super('exit')
    this.status = status
  }
}

export class Shell {
  readonly #env: Map<string, string>
  readonly #parameters: readonly string[]
  #folder = process.cwd()
  #status = 0
  #set: SetOptions = {}
  /** Programs that run now. */
  readonly children = new Set<ChildProcess>()

  constructor(env: ReadonlyMap<string, string>, parameters: readonly string[]) {
    this.#env = new Map(env)
    this.#parameters = parameters
  }

  /** Returns the status of the last command. */
  async run(list: readonly ListItem[]): Promise<number> {
    try {
      for (const [at, { operator, pipeline }] of list.entries()) {
        if (operator === '&&' && this.#status !== 0) continue
        if (operator === '||' && this.#status === 0) continue
        const status = await this.#pipeline(pipeline)
        this.#status = pipeline.negated ? Number(status === 0) : status
        const isTested = pipeline.negated || (list[at + 1]?.operator ?? ';') !== ';'
        if (this.#set.errexit === true && status !== 0 && !isTested) return status
      }
      return this.#status
    } catch (error) {
      if (error instanceof Exit) return error.status
      if (error instanceof UnsetVariable) {
        writeSync(2, `sh: ${error.message}\n`)
        return 1
      }
      throw error
    }
  }

  async #pipeline({ commands }: Pipeline): Promise<number> {
    const last = commands.length - 1
    const running: Promise<number>[] = []
    let input: ChildProcess['stdout'] = null
    for (const [at, command] of commands.entries()) {
      const started: { readonly status: Promise<number>; readonly output: ChildProcess['stdout'] } = this.#start(
        command,
        {
          input,
          piped: at < last,
          first: at === 0,
        },
      )
      input = started.output
      running.push(started.status)
    }
    const statuses = await Promise.all(running)
    const failed = this.#set.pipefail === true ? statuses.findLast((status) => status !== 0) : undefined
    return failed ?? statuses.at(-1) ?? 0
  }

  #start(
    command: Command,
    {
      input,
      piped,
      first,
    }: { readonly input: ChildProcess['stdout']; readonly piped: boolean; readonly first: boolean },
  ): { readonly status: Promise<number>; readonly output: ChildProcess['stdout'] } {
    const words = command.words.flatMap((word) => expandWord(word, this.#scope))
    const [given = '', ...rest] = words
    const [file = '', ...args] = given === 'exec' ? rest : words
    const env = new Map(this.#env)
    for (const [name, value] of command.assignments) {
      const text = expandText(value, { ...this.#scope, env })
      env.set(name, text)
      if (file === '') this.#env.set(name, text)
    }
    const opened: number[] = []
    const stdio: StdioOptions = [first ? 'inherit' : 'pipe', piped ? 'pipe' : 'inherit', 'inherit']
    try {
      for (const redirect of command.redirects) if (!this.#redirect(redirect, stdio, opened)) return failed
      if (file === '') return { status: Promise.resolve(0), output: null }
      if (builtinNames.has(file) && !piped && first) {
        return { status: Promise.resolve(this.#builtin(file, args, stdio[1])), output: null }
      }
      const child = spawn(file, args, { cwd: this.#folder, env: Object.fromEntries(env), stdio })
      if (input !== null && child.stdin !== null) input.on('error', () => {}).pipe(child.stdin.on('error', () => {}))
      return { status: this.#ended(child, given === 'exec'), output: child.stdout }
    } finally {
      for (const fd of opened) closeSync(fd)
    }
  }

  async #ended(child: ChildProcess, isLast: boolean): Promise<number> {
    this.children.add(child)
    const status = await statusOf(child)
    this.children.delete(child)
    if (isLast) throw new Exit(status)
    return status
  }

  /** Returns whether it could be opened. */
  #redirect({ fd, operator, target }: Redirect, stdio: unknown[], opened: number[]): boolean {
    const text = expandText(target, this.#scope)
    if (operator === '>&') {
      const from = stdio[Number(text)]
      stdio[fd] = from === 'inherit' ? Number(text) : from
      return true
    }
    try {
      const file = openSync(resolve(this.#folder, text), operator === '<' ? 'r' : operator === '>' ? 'w' : 'a')
      opened.push(file)
      stdio[fd] = file
      return true
    } catch (error) {
      writeSync(2, `sh: ${text}: ${error instanceof Error ? error.message : String(error)}\n`)
      return false
    }
  }

  #builtin(name: string, args: readonly string[], output: unknown): number {
    const out = typeof output === 'number' ? output : 1
    switch (name) {
      case 'cd':
        this.#folder = resolve(this.#folder, args[0] ?? this.#env.get('HOME') ?? '.')
        this.#env.set('PWD', this.#folder)
        return 0
      case 'echo':
        writeSync(out, `${(args[0] === '-n' ? args.slice(1) : args).join(' ')}${args[0] === '-n' ? '' : '\n'}`)
        return 0
      case 'exit':
        throw new Exit(args[0] === undefined ? this.#status : Number(args[0]) & 255)
      case 'export':
        for (const argument of args) {
          const [, variable, value] = /^(\w+)=(.*)$/s.exec(argument) ?? []
          if (variable !== undefined && value !== undefined) this.#env.set(variable, value)
        }
        return 0
      case 'false':
        return 1
      case 'set':
        this.#set = { ...this.#set, ...setOptions(args) }
        return 0
      default:
        return 0
    }
  }

  get #scope(): Scope {
    return {
      env: this.#env,
      parameters: this.#parameters,
      folder: this.#folder,
      status: this.#status,
      nounset: this.#set.nounset === true,
    }
  }
}

async function statusOf(child: ChildProcess): Promise<number> {
  try {
    await once(child, 'exit')
    const { exitCode, signalCode } = child
    return exitCode ?? signalled + (signalCode === null ? 0 : constants.signals[signalCode])
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    writeSync(2, `sh: ${isMissing ? `${child.spawnfile}: not found` : message}\n`)
    return isMissing ? notFound : notAllowed
  }
}
