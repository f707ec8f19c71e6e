/** Which programs are Node, and which of its options would start code without the preload. */
import { realpathSync } from 'node:fs'
import { basename } from 'node:path'
import { property } from '../../sockets/internals.ts'
import type { Callable } from '../../guard/node/patch.ts'

const own = realpathSync(process.execPath)
const firstSupported = 24
const known = new Map<string, boolean>()

/**
 * Whether a program is Node: this very program, or another one with its name that reports to be Node.
 *
 * @param run - Node's own native `spawnSync`.
 */
export function isNode(file: string, run: Callable): boolean {
  const real = realpathSync(file)
  if (real === own) return true
  if (!/^node(?:js)?$/.test(basename(real))) return false
  const isKnown = known.get(real) ?? saysSo(real, run)
  known.set(real, isKnown)
  return isKnown
}

function saysSo(file: string, run: Callable): boolean {
  const result: unknown = run({
    file,
    args: [file, '--version'],
    envPairs: [],
    stdio: [{ type: 'ignore' }, { type: 'pipe', readable: false, writable: true }, { type: 'ignore' }],
    killSignal: 9,
    timeout: 5000,
  })
  const output: unknown = property(property(result, 'output'), 1)
  const [, major] =
    /^v(\d+)\.\d+\.\d+\s*$/.exec(output instanceof Uint8Array ? Buffer.from(output).toString() : '') ?? []
  return Number(major) >= firstSupported
}

/** Options that run code before the preload, or none of it, or commands of a shell. */
const unguarded = /^--(?:build-snapshot(?:-config)?|build-sea|run)(?:=|$)/

/** Options with which Node does not load the guard, or denies it what it needs. */
const unloadable = /^--(?:(?:experimental-)?permission|no-(?:experimental-)?require-module|jitless)$/

/** Options whose value is the next argument. */
const valued = new Set(
  (
    '-r --require --import -C --conditions --env-file --env-file-if-exists --loader --experimental-loader --title ' +
    '--input-type --watch-path --test-reporter --test-reporter-destination --test-name-pattern --test-skip-pattern ' +
    '--test-shard --test-concurrency --test-timeout --test-isolation --test-coverage-include --test-coverage-exclude ' +
    '--unhandled-rejections --dns-result-order --disable-warning --icu-data-dir --openssl-config --redirect-warnings ' +
    '--diagnostic-dir --inspect-port --debug-port --stack-trace-limit --snapshot-blob --max-http-header-size ' +
    '--experimental-config-file --localstorage-file --trace-event-categories --cpu-prof-dir ' +
    '--heap-prof-dir --tls-keylog'
  ).split(' '),
)

/** An option that is refused, and why. */
export interface RefusedOption {
  readonly option: string
  readonly why: string
}

/** Returns the first of Node's own arguments with which the guard would not hold the program, if there is one. */
export function refusedOption(args: readonly string[]): RefusedOption | undefined {
  for (let at = 0; at < args.length; at += 1) {
    const argument = args[at] ?? ''
    if (argument === '--' || !argument.startsWith('-')) return undefined
    const [option = ''] = argument.split('=')
    if (unguarded.test(argument))
      return { option, why: 'It starts code without the guard: start the program itself, without this option' }
    if (unloadable.test(argument)) return { option, why: 'The guard does not load with it: leave this option away' }
    if (valued.has(argument)) at += 1
  }
  return undefined
}
