/** An error as the command line tells it. */
import { errorToWire, type WireError } from '@troupe/core'
import { userFrames } from 'troupe/app'

/** Kind, message and place in the application's code, then each cause on a line of its own; with `verbose`, stacks. */
export function describeFailure(error: unknown, verbose: boolean): string {
  const lines: string[] = []
  for (let wire: WireError | undefined = errorToWire(error), depth = 0; wire; wire = wire.cause, depth++) {
    lines.push(`${depth === 0 ? '' : '  because: '}${headOf(wire)}`)
    if (verbose && wire.stack !== undefined) lines.push(...framesOf(wire.stack))
  }
  return lines.join('\n')
}

/** What user code threw keeps its name: `RangeError: …`; ours goes by its kind. */
function headOf({ kind, name, message, stack }: WireError): string {
  const [place] = userFrames(stack ?? '', process.cwd())
  // Lines of a message are not to be taken for lines of ours.
  const words = message.replaceAll('\n', '\n    ')
  return `${kind === 'Unknown' && name !== 'TroupeError' ? name : kind}: ${words}${place === undefined ? '' : ` at ${place}`}`
}

function framesOf(stack: string): readonly string[] {
  return stack.split('\n').filter((line) => /^\s+at /.test(line))
}
