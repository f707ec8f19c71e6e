/** The command line. */
import { check } from './commands/check.ts'
import { explain } from './commands/explain.ts'
import { describeFailure } from './failure.ts'
import { checkDiagnosticsIn, formatCheckDiagnostic } from './modules/diagnostic.ts'
import { helpText } from './help.ts'
import { init } from './commands/init.ts'
import { type Invocation, parseInvocation } from './invocation.ts'
import { list } from './commands/list.ts'
import { run } from './commands/run.ts'
import { guarded, type GuardedTerminal, ownTerminal, type Terminal } from './terminal.ts'
import { types } from './commands/types.ts'
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
    if (findings.length > 0) for (const finding of findings) terminal.err(formatCheckDiagnostic(finding))
    else terminal.err(`troupe: ${describeFailure(error, verbose)}`)
    return 1
  }
}

async function perform(invocation: Invocation, terminal: GuardedTerminal): Promise<number> {
  switch (invocation.command) {
    case 'help':
      terminal.out(helpText(invocation.topic))
      return 0
    case 'version':
      terminal.out(version)
      return 0
    case 'init':
      return init(invocation, terminal)
    case 'run':
      return run(invocation, terminal)
    case 'list':
      return list(invocation, terminal)
    case 'types':
      return types(invocation, terminal)
    case 'explain':
      return explain(invocation, terminal)
    default:
      return check(invocation, terminal)
  }
}
