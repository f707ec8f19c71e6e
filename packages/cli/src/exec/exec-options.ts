/** Parses the arguments after `troupe exec`. */
import { UsageError } from '../usage-error.ts'

export interface ExecOptions {
  /** As it was given; `undefined`: the variable `TROUPE_EXEC_NETWORK` has it. */
  readonly network: string | undefined
  readonly isolate: boolean
  readonly allow: readonly string[]
  readonly native: readonly string[]
  readonly report: 'table' | 'json' | undefined
  /** Folder of the application whose entry is the network. */
  readonly root: string
  readonly config: readonly string[]
  readonly profiles: readonly string[]
  /** A file that holds the secrets of the invocation that this one continues. */
  readonly resume: string | undefined
  readonly help: boolean
  /** The program, and its arguments. */
  readonly command: readonly string[]
}

const valued = ['network', 'allow', 'native', 'root', 'config', 'profile', 'resume'] as const
const plain = ['isolate', 'report', 'report=json', 'help'] as const
type Valued = (typeof valued)[number]

/** Everything from the first word that is no option belongs to the program. @throws UsageError */
export function parseExecOptions(argv: readonly string[]): ExecOptions {
  const values = new Map<Valued, string[]>(valued.map((name) => [name, []]))
  const flags = new Set<string>()
  let at = 0
  for (; at < argv.length; at += 1) {
    const argument = argv[at] ?? ''
    if (argument === '--') {
      at += 1
      break
    }
    if (argument === '-h') flags.add('help')
    else if (!argument.startsWith('--')) break
    else {
      const name = argument.slice(2)
      const [head = '', ...rest] = name.split('=')
      const takes = valued.find((each) => each === head)
      if (takes !== undefined) {
        const value = name === head ? argv[(at += 1)] : rest.join('=')
        if (value === undefined || value === '') throw new UsageError(`${argument} needs a value`)
        values.get(takes)?.push(value)
      } else if (plain.some((each) => each === name)) flags.add(name)
      else throw new UsageError(`there is no option ${argument} of "troupe exec"`)
    }
  }
  checkOwn(argv, at)
  const listed = (name: Valued) =>
    (values.get(name) ?? []).flatMap((value) => value.split(',')).filter((each) => each !== '')
  return {
    network: values.get('network')?.at(-1),
    isolate: flags.has('isolate'),
    allow: listed('allow'),
    native: listed('native'),
    report: flags.has('report=json') ? 'json' : flags.has('report') ? 'table' : undefined,
    root: values.get('root')?.at(-1) ?? '.',
    config: values.get('config') ?? [],
    profiles: values.get('profile') ?? [],
    resume: values.get('resume')?.at(-1),
    help: flags.has('help'),
    command: argv.slice(at),
  }
}

/**
 * Node reads these wherever they stand among its arguments, also in `troupe exec` itself, which is not in the overlay:
 * the file of an environment up to a `--`, the file of a configuration everywhere. Both can name modules to load.
 */
const environmentFile = /^--env-file(?:-if-exists)?(?:=|$)/
const configurationFile = /^--experimental-(?:default-)?config-file(?:=|$)/

function checkOwn(argv: readonly string[], program: number): void {
  const [isMarked, command] = [argv[program - 1] === '--', argv.slice(program)]
  const found = command.find((word) => configurationFile.test(word) || (!isMarked && environmentFile.test(word)))
  if (found === undefined) return
  const [option = ''] = found.split('=')
  const remedy = environmentFile.test(found)
    ? 'write -- before the program: troupe exec --network tor -- node'
    : 'give the program its options as arguments'
  throw new UsageError(`${option}: Node reads it in "troupe exec" too, outside of the overlay; ${remedy}`)
}
