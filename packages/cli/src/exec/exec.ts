/** `troupe exec`: runs a program with all its traffic in an overlay. */
import { describeFailure } from './failure.ts'
import { helpText } from '../help.ts'
import { pointerTo } from '../pointer.ts'
import { UsageError } from '../usage-error.ts'
import { type ExecOptions, parseExecOptions } from './exec-options.ts'
import { launch, type ProgramEnd } from './launch.ts'
import { holdsSecret, type NetworkChoice, parseNetwork } from './network-choice.ts'
import { openOverlay } from './open-overlay.ts'
import { keyVariable } from './overlay-parts.ts'
import { countLines, formatReport } from './report.ts'
import {
  continueWithout,
  moduleOptions,
  networkVariable,
  readNetwork,
  resumed,
  type Secrets,
  withoutNetwork,
} from './secrets.ts'
import { AllowedTargets, hasPlan } from '@troupe/network/program'

const usage = 2
const notAllowed = 126
const notFound = 127

/** Runs the arguments after `troupe exec`, and ends this program as the program ended. */
export async function exec(argv: readonly string[]): Promise<void> {
  try {
    const options = parseExecOptions(argv)
    if (options.help) {
      process.stdout.write(`${helpText('exec')}\n`)
      return
    }
    finish(await run(argv, options))
  } catch (error) {
    const isUsage = error instanceof UsageError
    say(`troupe exec: ${isUsage ? error.message : describeFailure(error)}`)
    const pointer = isUsage ? '"troupe exec --help" lists the options.' : pointerTo(error)
    if (pointer !== undefined) say(pointer)
    process.exit(isUsage ? usage : statusOf(error))
  }
}

async function run(argv: readonly string[], options: ExecOptions): Promise<ProgramEnd> {
  const { command } = options
  if (command.length === 0) throw new UsageError('no program is named: troupe exec --network tor -- node app.js')
  if (hasPlan()) throw new UsageError('this program runs in an overlay already, and cannot choose another one')
  if (process.platform === 'win32') throw new UsageError('descriptors are not inherited on Windows')
  checkAllowed(options)
  const { network, secrets } = given(options)
  const choice = parseNetwork(network)
  hide(argv, options, choice, network, secrets)
  // The overlay reads them here; the program gets none of them.
  Object.assign(process.env, secrets.variables)
  await using overlay = await openOverlay(choice, options, report)
  const hidden = new Set([networkVariable, ...overlay.variables])
  const exposed = overlay.variables.filter((name) => process.env[name] !== undefined && !(name in secrets.variables))
  if (exposed.length > 0) continueFrom(argv, options, network, exposed, secrets)
  const kept = Object.fromEntries(Object.entries(process.env).filter(([name]) => !hidden.has(name)))
  const env = secrets.options === undefined ? kept : { ...kept, NODE_OPTIONS: secrets.options }
  const { id, route } = overlay
  const { isolate, allow, native, report: format } = options
  const plan = { overlay: id, route, isolate, allow, native, report: format !== undefined }
  const end = await launch(command, plan, env)
  if (format !== undefined) say(formatReport(id, countLines(end.lines), format))
  return end
}

/** @throws UsageError */
function checkAllowed({ allow }: ExecOptions): void {
  try {
    void new AllowedTargets(allow)
  } catch (error) {
    throw new UsageError(`--allow: ${describeFailure(error)}`)
  }
}

/** The network, from the option or its variable, and what a former self was given. */
function given({ network, resume }: ExecOptions): { readonly network: string; readonly secrets: Secrets } {
  const secrets: Secrets = resume === undefined ? { variables: {} } : resumed(resume)
  const text = network === undefined ? (secrets.network ?? process.env[networkVariable]) : readNetwork(network)
  if (text === undefined || text === '')
    throw new UsageError(`no network is named: --network tor, or the variable ${networkVariable}`)
  return { network: text, secrets }
}

/** Passwords do not stay where `ps` shows them. */
function hide(
  argv: readonly string[],
  options: ExecOptions,
  choice: NetworkChoice,
  network: string,
  secrets: Secrets,
): void {
  if (options.resume !== undefined) return
  const isArgument = options.network === network
  const isShown = holdsSecret(network) && (isArgument || options.network === undefined)
  const key = choice.type === 'tailnet' ? (choice.fields['auth_key_env'] ?? keyVariable) : undefined
  const hasKey = key !== undefined && process.env[key] !== undefined
  const modules = moduleOptions()
  if (!isShown && !hasKey && modules === undefined) return
  if (isShown && isArgument)
    say(
      `troupe exec: the password on this command line was visible for a moment, and stays in the shell's history: ` +
        `give the network in ${networkVariable}, or as --network @FILE`,
    )
  continueFrom(argv, options, network, key === undefined ? [] : [key], {
    ...secrets,
    ...(modules !== undefined && { options: modules }),
  })
}

function continueFrom(
  argv: readonly string[],
  { command }: ExecOptions,
  network: string,
  names: readonly string[],
  former: Secrets = { variables: {} },
): void {
  const variables: Record<string, string> = { ...former.variables }
  for (const name of names) {
    const value = process.env[name]
    if (value !== undefined) variables[name] = value
  }
  continueWithout(withoutNetwork(argv, command), { ...former, network, variables })
}

/** Ends as the program ended: with its status, or by its signal. */
function finish({ code, signal }: ProgramEnd): void {
  if (signal !== null) process.kill(process.pid, signal)
  process.exitCode = code ?? undefined
}

function statusOf(error: unknown): number {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOENT') return notFound
  return code === 'EOVERLAY' || code === 'EACCES' ? notAllowed : 1
}

/** What the overlay reports, apart from what is as it should be. */
function report(line: string): void {
  if (!line.endsWith(' is up')) say(`troupe exec: ${line}`)
}

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}
