/** Runs a command in place of a shell: `main.ts -c COMMAND [$0 [$1 …]]`. */
import { forwardSignals } from '../forward-signals.ts'
import { parseCommands } from './parse.ts'
import { Shell } from './run.ts'

const [, text = '', ...parameters] = process.argv.slice(2)
const env = new Map(Object.entries(process.env).map(([name, value]) => [name, value ?? '']))
const shell = new Shell(env, parameters)
forwardSignals(() => shell.children)
process.exitCode = await shell.run(parseCommands(text))
