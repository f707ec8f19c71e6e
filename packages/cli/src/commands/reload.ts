/** `systemctl reload`: applies the entries of the files while the application runs. The code of modules stays. */
import type { Application } from 'troupe/app'
import { describeFailure } from '../failure.ts'
import type { CommonOptions } from '../invocation.ts'
import { formatCheckDiagnostic } from '../modules/diagnostic.ts'
import type { Terminal } from '../terminal.ts'
import { examine } from './check.ts'

/** Reads the files and applies what has changed. Prints problems; the application then continues unchanged. */
export async function reloadEntries(app: Application, options: CommonOptions, terminal: Terminal): Promise<void> {
  try {
    const { registry: read, findings } = await examine(options)
    const problems = findings.filter(({ severity }) => severity !== 'warning')
    if (problems.length > 0) throw new Error(problems.map(formatCheckDiagnostic).join('\n'))
    const { registry } = app
    const before = registry.version()
    const version = await registry.reload(read)
    const changes = registry.history().at(-1)?.changes ?? []
    const what = version === before ? ['nothing has changed'] : changes.map(({ op, id }) => `${op} ${id}`)
    terminal.err(`troupe: reloaded: ${what.join(', ')}`)
  } catch (error) {
    terminal.err(
      `troupe: not reloaded; the application continues unchanged\n${describeFailure(error, options.verbose)}`,
    )
  }
}
