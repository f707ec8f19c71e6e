/** The command line as a program: its streams, and its exit status. */
import { leaveAtOnce } from './leave.ts'
import { main } from './main.ts'
import { Output } from './output.ts'
import { ownTerminal } from './terminal.ts'

/** Runs the command of `argv`, then ends the program with its exit status. */
export async function runProgram(argv: readonly string[]): Promise<void> {
  /** The output was lost for a reason other than a closed pipe. */
  let isLost = false
  let isRunning = false
  let isStuck = false
  const lost = new AbortController()
  const output = new Output((stream, error) => {
    if (stream !== process.stdout) return
    lost.abort()
    if (!('code' in error && error.code === 'EPIPE')) isLost = true
    if (isRunning || isLost) ownTerminal.err(`troupe: stdout: ${error.message}: what is printed there is lost`)
  })
  const status = await main(argv, {
    ...ownTerminal,
    lost: lost.signal,
    printer: (isStrict: boolean) => {
      isRunning = true
      return output.printer(isStrict)
    },
    stuck: () => {
      isStuck = true
    },
  })
  await output.drained()
  // Handles that the application left open in this thread do not delay the end of the program.
  if (isStuck) leaveAtOnce(status)
  else process.exit(status === 0 && isLost ? 1 : status)
}
