/** Parses the command line. */
import { parseArgs } from 'node:util'
import { didYouMean } from '@troupe/registry'
import { type AttachName, type CommandName, commandNames, isAttachName, isCommandName } from './help.ts'
import { UsageError } from './usage-error.ts'

/** The question of `troupe explain`: may such an actor do this? */
export interface ExplainQuery {
  readonly action: string
  readonly resource: string
  readonly actor: string | undefined
  /** Ids of policies. */
  readonly scope: readonly string[]
  /** Groups of policies. */
  readonly groups: readonly string[]
  /** `key=value`; the value is JSON, or otherwise text. */
  readonly actorMeta: readonly string[]
  readonly meta: readonly string[]
  /** Whether the policies of the application that runs decide, not those of its files. */
  readonly running: boolean
  /** Process id of the application, where several run. */
  readonly pid: number | undefined
}

/** Options that every command takes. */
export interface CommonOptions {
  /** Folder of the application. */
  readonly root: string
  readonly config?: readonly string[]
  readonly profiles?: readonly string[]
  readonly set: readonly string[]
  readonly overrides: readonly string[]
  readonly verbose: boolean
  readonly json: boolean
}

export type Invocation =
  | { readonly command: 'help'; readonly topic?: CommandName }
  | { readonly command: 'version' }
  | ({ readonly command: 'init'; readonly folder: string; readonly from: string | undefined } & CommonOptions)
  | ({
      readonly command: 'run'
      readonly program: Runnable | undefined
      readonly args: readonly string[]
      readonly watch: boolean
    } & CommonOptions)
  | ({ readonly command: 'check' } & CommonOptions)
  | ({ readonly command: 'doctor' } & CommonOptions)
  | ({ readonly command: 'docs'; readonly word: string | undefined } & CommonOptions)
  | ({ readonly command: 'list'; readonly kind: string | undefined } & CommonOptions)
  | ({ readonly command: 'types'; readonly out: string | undefined } & CommonOptions)
  | ({ readonly command: 'cluster' } & ClusterOptions)
  | ({ readonly command: 'explain' } & ExplainQuery & CommonOptions)
  | ({ readonly command: 'attach' } & AttachOptions)

/** The commands for the cluster. */
export interface ClusterOptions extends CommonOptions {
  readonly operands: readonly string[]
  /** File of the key that `credentials` makes. */
  readonly out: string | undefined
  /** Monitoring ports of servers, for `check`. */
  readonly monitors: readonly string[]
  /** Process id of the application, where several run. */
  readonly pid: number | undefined
}

/** What `run` runs: a command by its name, or an entry by its id. */
export type Runnable = { readonly command: string } | { readonly entry: string }

/** A command for a running application. */
export interface AttachOptions extends CommonOptions {
  readonly name: AttachName
  readonly operands: readonly string[]
  /** Process id of the application, where several run. */
  readonly pid: number | undefined
  /** Of `log level`. */
  readonly entry: string | undefined
  /** Of `profile`: how long, such as `10s`. */
  readonly cpu: string | undefined
  /** Of `profile`. */
  readonly heap: boolean
  /** Of `policies`: prints decisions as they are made. */
  readonly follow: boolean
  readonly recording: RecordingOptions
}

/** Options of `troupe trace`, `troupe flow` and `troupe policies`. */
export interface RecordingOptions {
  /** A duration. */
  readonly for?: string | undefined
  /** Maximum number of messages, or of rows. */
  readonly max?: string | undefined
  readonly format?: 'text' | 'json' | 'mermaid' | undefined
  /** What the rows of `troupe flow` are about. */
  readonly by?: 'entry' | 'process' | undefined
}

const options = {
  root: { type: 'string' },
  config: { type: 'string', multiple: true },
  profile: { type: 'string', multiple: true },
  set: { type: 'string', multiple: true },
  override: { type: 'string', short: 'o', multiple: true },
  exec: { type: 'string' },
  watch: { type: 'boolean' },
  out: { type: 'string' },
  monitor: { type: 'string', multiple: true },
  pid: { type: 'string' },
  entry: { type: 'string' },
  cpu: { type: 'string' },
  heap: { type: 'boolean' },
  for: { type: 'string' },
  max: { type: 'string' },
  format: { type: 'string' },
  by: { type: 'string' },
  from: { type: 'string' },
  follow: { type: 'boolean' },
  running: { type: 'boolean' },
  actor: { type: 'string' },
  'actor-meta': { type: 'string', multiple: true },
  scope: { type: 'string', multiple: true },
  group: { type: 'string', multiple: true },
  meta: { type: 'string', multiple: true },
  verbose: { type: 'boolean', short: 'v' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
} as const

/** Options of `explain` only. */
const explaining = ['actor', 'actor-meta', 'scope', 'group', 'meta', 'running'] as const

/**
 * Parses the arguments after `troupe`. Those after the name of an application's command belong to that command.
 *
 * @throws UsageError
 */
export function parseInvocation(argv: readonly string[]): Invocation {
  const { own, rest } = split(argv)
  const { values, positionals } = strictly(own)
  const [name, ...operands] = positionals
  if (values.version === true) return { command: 'version' }
  if (name !== undefined && name !== 'help' && !isCommandName(name))
    throw new UsageError(`there is no command "${name}"${didYouMean(name, commandNames)}`)
  if (values.help === true || name === undefined || name === 'help') return helpOn(name === 'help' ? operands[0] : name)
  if (values.exec !== undefined && name !== 'run') throw new UsageError('--exec belongs to "troupe run"')
  if (values.watch === true && name !== 'run') throw new UsageError('--watch belongs to "troupe run"')
  if (values.out !== undefined && name !== 'types' && name !== 'cluster')
    throw new UsageError('--out belongs to "troupe types" and "troupe cluster credentials"')
  if (values.monitor !== undefined && name !== 'cluster')
    throw new UsageError('--monitor belongs to "troupe cluster check"')
  if (values.from !== undefined && name !== 'init') throw new UsageError('--from belongs to "troupe init"')
  if (values.entry !== undefined && name !== 'log') throw new UsageError('--entry belongs to "troupe log level"')
  if ((values.cpu !== undefined || values.heap !== undefined) && name !== 'profile')
    throw new UsageError('--cpu and --heap belong to "troupe profile"')
  if (values.follow === true && name !== 'policies') throw new UsageError('--follow belongs to "troupe policies"')
  const foreign = name === 'explain' ? undefined : explaining.find((option) => values[option] !== undefined)
  if (foreign !== undefined) throw new UsageError(`--${foreign} belongs to "troupe explain"`)
  const common: CommonOptions = {
    root: values.root ?? '.',
    ...(values.config && { config: values.config }),
    ...(values.profile && { profiles: values.profile }),
    set: values.set ?? [],
    overrides: values.override ?? [],
    verbose: values.verbose ?? false,
    json: values.json ?? false,
  }
  const recording = recordingOf(name, values)
  if (isAttachName(name)) {
    const { entry, cpu, heap = false, follow = false } = values
    const own = { entry, cpu, heap, follow, recording }
    return { command: 'attach', name, operands, pid: pidOf(values.pid), ...own, ...common }
  }
  if (values.pid !== undefined && name !== 'explain' && name !== 'cluster')
    throw new UsageError('--pid belongs to commands for a running application')
  switch (name) {
    case 'run':
      return { command: name, ...runnable(values.exec, rest), watch: values.watch ?? false, ...common }
    case 'init':
      return { command: name, folder: atMostOne(name, operands) ?? '.', from: values.from, ...common }
    case 'docs':
      return { command: name, word: atMostOne(name, operands), ...common }
    case 'list':
      return { command: name, kind: atMostOne(name, operands), ...common }
    case 'cluster': {
      const { out, monitor: monitors = [] } = values
      return { command: name, operands, out, monitors, pid: pidOf(values.pid), ...common }
    }
    case 'explain':
      return { command: name, ...questionOf(operands, values), ...common }
    case 'exec':
      throw new UsageError('"exec" comes first: troupe exec --network tor -- node app.js')
    case 'types':
      takesNone(name, operands)
      return { command: name, out: values.out, ...common }
    default:
      takesNone(name, operands)
      return { command: name, ...common }
  }
}

function recordingOf(
  name: string,
  { for: time, max, format, by }: Readonly<Partial<Record<'for' | 'max' | 'format' | 'by', string>>>,
): RecordingOptions {
  const given = Object.entries({ for: time, max, format, by }).find(([, value]) => value !== undefined)
  const isFollowed = name === 'policies' && (time ?? max) !== undefined && (format ?? by) === undefined
  if (given !== undefined && name !== 'trace' && name !== 'flow' && !isFollowed)
    throw new UsageError(`--${given[0]} belongs to "troupe trace" and "troupe flow"`)
  if (format !== undefined && format !== 'text' && format !== 'json' && format !== 'mermaid')
    throw new UsageError(`--format takes text, json or mermaid, not "${format}"`)
  if (by !== undefined && by !== 'entry' && by !== 'process')
    throw new UsageError(`--by takes entry or process, not "${by}"`)
  return { for: time, max, format, by }
}

function pidOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^[1-9]\d{0,9}$/.test(text)) return Number(text)
  throw new UsageError(`--pid takes the id of an operating-system process, not "${text}"`)
}

function takesNone(command: CommandName, [first]: readonly string[]): void {
  if (first !== undefined)
    throw new UsageError(`"troupe ${command}" takes no "${first}"; --root names another application`)
}

/** Cuts off everything from the first operand of `run`: from there on, options belong to the command. */
function split(argv: readonly string[]): { readonly own: readonly string[]; readonly rest: readonly string[] } {
  const { tokens } = parseArgs({ args: [...argv], options, strict: false, tokens: true })
  const [first, second] = tokens.filter((token) => token.kind === 'positional')
  const end = first?.value === 'run' && second ? second.index : argv.length
  for (const token of tokens) {
    if (token.kind === 'option' && token.index < end && !Object.hasOwn(options, token.name)) {
      const known = Object.keys(options).map((name) => `--${name}`)
      throw new UsageError(`there is no option ${token.rawName}${didYouMean(token.rawName, known)}`)
    }
  }
  return { own: argv.slice(0, end), rest: argv.slice(end) }
}

function strictly(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true })
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

function helpOn(topic: string | undefined): Invocation {
  if (topic === undefined) return { command: 'help' }
  if (isCommandName(topic)) return { command: 'help', topic }
  throw new UsageError(`there is no command "${topic}"${didYouMean(topic, commandNames)}`)
}

function questionOf(
  [action, resource, other]: readonly string[],
  values: ReturnType<typeof strictly>['values'],
): ExplainQuery {
  if (action === undefined || resource === undefined || other !== undefined)
    throw new UsageError('"troupe explain" takes an action and a resource: network.select app:proxy, for instance')
  const { actor, scope = [], group = [], meta = [], 'actor-meta': actorMeta = [] } = values
  const { pid, running = pid !== undefined } = values
  return { action, resource, actor, scope, groups: group, actorMeta, meta, running, pid: pidOf(pid) }
}

function runnable(entry: string | undefined, words: readonly string[]) {
  if (entry !== undefined) return { program: { entry }, args: words }
  const [command, ...args] = words
  return { program: command === undefined ? undefined : { command }, args }
}

function atMostOne(command: CommandName, [first, second]: readonly string[]): string | undefined {
  if (second !== undefined) throw new UsageError(`"troupe ${command}" takes no second "${second}"`)
  return first
}
