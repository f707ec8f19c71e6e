/** The command line. */
import { describeFailure } from './failure.ts'
import { checkDiagnosticsIn, formatCheckDiagnostic } from './modules/diagnostic.ts'
import { helpText } from './help.ts'
import { type Invocation, parseInvocation } from './invocation.ts'
import { pointerTo } from './pointer.ts'
import { guarded, type GuardedTerminal, ownTerminal, type Terminal } from './terminal.ts'
import { UsageError } from './usage-error.ts'
import { version } from './version.ts'

/**
 * Runs the command of the arguments after `troupe`, and returns the exit status: 0; 1 for a failure; 2 for invalid
 * arguments; 128 plus the number of the signal that ended a command; or the status that a command returned.
 */
export async function main(argv: readonly string[], behind: Terminal = ownTerminal): Promise<number> {
  const terminal = guarded(behind)
  let verbose = false
  try {
    const invocation = parseInvocation(argv)
    verbose = 'verbose' in invocation && invocation.verbose
    return await perform(invocation, terminal)
  } catch (error) {
    if (error instanceof UsageError) {
      terminal.err(`troupe: ${error.message}\n"troupe --help" lists the commands.`)
      return 2
    }
    const findings = checkDiagnosticsIn(error)
    for (const finding of findings) terminal.err(formatCheckDiagnostic(finding))
    if (findings.length === 0) terminal.err(`troupe: ${describeFailure(error, verbose)}`)
    const pointer = findings.length === 0 ? pointerTo(error) : `see: troupe docs ${findings[0]?.code ?? 'errors'}`
    if (pointer !== undefined) terminal.err(pointer)
    return 1
  }
}

/** Loads only the command that is used: some need parsers that take longer to load than the rest. */
async function perform(invocation: Invocation, terminal: GuardedTerminal): Promise<number> {
  switch (invocation.command) {
    case 'help':
      terminal.out(helpText(invocation.topic))
      return 0
    case 'version':
      terminal.out(version)
      return 0
    case 'init':
      return (await import('./commands/init.ts')).init(invocation, terminal)
    case 'run':
      return (await import('./commands/run.ts')).run(invocation, terminal)
    case 'list':
      return (await import('./commands/list.ts')).list(invocation, terminal)
    case 'types':
      return (await import('./commands/types.ts')).types(invocation, terminal)
    case 'explain':
      return (await import('./commands/explain.ts')).explain(invocation, terminal)
    case 'cluster':
      return (await import('./cluster/cluster.ts')).clusterCommand(invocation, terminal)
    case 'attach':
      return (await import('./attach/attach.ts')).attachCommand(invocation, terminal)
    case 'docs':
      return (await import('./commands/docs.ts')).docs(invocation, terminal)
    case 'doctor':
      return (await import('./commands/doctor.ts')).doctor(invocation, terminal)
    default:
      return (await import('./commands/check.ts')).check(invocation, terminal)
  }
}
