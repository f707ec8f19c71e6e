#!/usr/bin/env node
/** The program `troupe`. */
import { leaveAtOnce } from './leave.ts'
import { main } from './main.ts'
import { Output } from './output.ts'
import { ownTerminal } from './terminal.ts'

const output = new Output((stream, error) => {
  if (stream !== process.stdout) return
  if (!('code' in error && error.code === 'EPIPE')) isLost = true
  if (isRunning || isLost) ownTerminal.err(`troupe: stdout: ${error.message}: what is printed there is lost`)
})
/** Its output was lost for another reason than that its reader wanted no more. */
let isLost = false
let isRunning = false
let isStuck = false
const terminal = {
  ...ownTerminal,
  printer: (isStrict: boolean) => {
    isRunning = true
    return output.printer(isStrict)
  },
  stuck: () => {
    isStuck = true
  },
}
const status = await main(process.argv.slice(2), terminal)
await output.drained()
// What the application left open in this thread does not hold the program up.
if (isStuck) leaveAtOnce(status)
else process.exit(status === 0 && isLost ? 1 : status)
