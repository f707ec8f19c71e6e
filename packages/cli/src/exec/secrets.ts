/**
 * Keeps secrets out of the arguments and the environment, which other programs of the user can read (`ps`, the files
 * `cmdline` and `environ` of a process). What was given there goes into a private file, and this program
 * replaces itself by one without it, which reads and removes that file.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { UsageError } from '../usage-error.ts'

/** The variable that names the network when there is no option `--network`. */
export const networkVariable = 'TROUPE_EXEC_NETWORK'
const ownerOnly = 0o600

/** What an invocation was given in a place that others can read. */
export interface Secrets {
  readonly network?: string
  /** `NODE_OPTIONS` of the program, if they name modules: those are not to run in this program. */
  readonly options?: string
  /** Variables that the overlay consumes. */
  readonly variables: Readonly<Record<string, string>>
}

/**
 * Replaces this program. Does not return, except where the system cannot replace a program.
 *
 * @param argv - The arguments after `troupe exec`, without those that hold a secret.
 */
export function continueWithout(argv: readonly string[], secrets: Secrets): void {
  if (process.execve === undefined) return
  const folder = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
  const path = join(folder, `troupe-${randomBytes(16).toString('hex')}`)
  writeFileSync(path, JSON.stringify(secrets), { flag: 'wx', mode: ownerOnly })
  const own = secrets.options === undefined ? [] : ['NODE_OPTIONS']
  const hidden = new Set([networkVariable, ...own, ...Object.keys(secrets.variables)])
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !hidden.has(name)))
  const script = process.argv[1] ?? ''
  const args = [process.execPath, ...process.execArgv, script, 'exec', '--resume', path, ...argv]
  const emitWarning: unknown = Reflect.get(process, 'emitWarning')
  // Node calls it experimental.
  process.emitWarning = () => {}
  try {
    process.execve(process.execPath, args, env)
  } catch {
    Reflect.set(process, 'emitWarning', emitWarning)
    unlinkSync(path)
  }
}

/** Reads what the invocation that this one continues was given, and removes it. @throws UsageError */
export function resumed(path: string): Secrets {
  let value: unknown
  try {
    value = JSON.parse(readFileSync(path, 'utf8'))
    unlinkSync(path)
  } catch {
    throw new UsageError('--resume is of "troupe exec" itself')
  }
  if (typeof value !== 'object' || value === null) throw new UsageError('--resume is of "troupe exec" itself')
  const network: unknown = Reflect.get(value, 'network')
  const options: unknown = Reflect.get(value, 'options')
  const variables: unknown = Reflect.get(value, 'variables')
  const named = typeof variables === 'object' && variables !== null ? Object.entries(variables) : []
  return {
    ...(typeof network === 'string' && { network }),
    ...(typeof options === 'string' && { options }),
    variables: Object.fromEntries(named.map(([name, text]) => [name, String(text)])),
  }
}

/** Returns the arguments without the option `--network` and its value, and without `--resume`. */
export function withoutNetwork(argv: readonly string[], command: readonly string[]): readonly string[] {
  const own = argv.slice(0, argv.length - command.length)
  const kept: string[] = []
  for (let at = 0; at < own.length; at += 1) {
    const argument = own[at] ?? ''
    if (argument === '--network' || argument === '--resume') at += 1
    else if (!/^--(?:network|resume)=/.test(argument)) kept.push(argument)
  }
  return [...kept, ...command]
}

/** Returns `NODE_OPTIONS` if they name modules, which run in this program too, outside of the overlay. */
export function moduleOptions(): string | undefined {
  const { NODE_OPTIONS: options } = process.env
  const names = /(?:^|\s)(?:-r|--(?:require|import|(?:experimental-)?loader))(?:[\s=]|$)/
  return options !== undefined && names.test(options) ? options : undefined
}

/** Reads the network from a file (`@path`), or from standard input (`-`). @throws UsageError */
export function readNetwork(given: string): string {
  if (given !== '-' && !given.startsWith('@')) return given
  try {
    return readFileSync(given === '-' ? 0 : given.slice(1), 'utf8').trim()
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : 'it cannot be read'
    throw new UsageError(`--network ${given}: ${why}`)
  }
}
