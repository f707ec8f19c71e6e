/** Uses the ways that the arguments name, or all of them; prints the outcome of each as JSON. */
import { ways } from '../ways.ts'

/** Longer than any of them waits for a name that is never resolved. */
const patience = Number(process.env['PATIENCE'] ?? 20_000)
/** A machine has few processors, and most ways start a program. */
const atOnce = 4
const asked = process.argv.slice(2)
// Errors that a library throws outside of any caller.
process.on('uncaughtException', () => {}).on('unhandledRejection', () => {})

const outcomes: Record<string, string> = {}
const waiting = Object.entries(ways).filter(([name]) => asked.length === 0 || asked.includes(name))
await Promise.all(Array.from({ length: atOnce }, useNext))
process.stdout.write(JSON.stringify(outcomes), () => process.exit())

async function useNext(): Promise<void> {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const [name, use] = next
    const late = Promise.withResolvers<string>()
    const timer = setTimeout(late.resolve, patience, 'late')
    const done = use().then(
      () => 'done',
      (error: unknown) => wordsOf(error),
    )
    outcomes[name] = await Promise.race([done, late.promise])
    clearTimeout(timer)
  }
}

/** The code of an error or of its cause, else its message. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if ('code' in error && typeof error.code === 'string') return error.code
  return error.cause === undefined ? error.message.slice(0, 200) : wordsOf(error.cause)
}
