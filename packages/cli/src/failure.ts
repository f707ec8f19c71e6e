/** Formats an error for the command line. */
import { errorToWire, type WireError } from '@troupe/core'
import { userFrames } from 'troupe/app'

/** Kind, message and position in the application's code, then each cause on its own line; with `verbose`, stacks. */
export function describeFailure(error: unknown, verbose: boolean): string {
  const lines: string[] = []
  for (let wire: WireError | undefined = errorToWire(error), depth = 0; wire; wire = wire.cause, depth++) {
    lines.push(`${depth === 0 ? '' : '  because: '}${headOf(wire)}`)
    if (verbose && wire.stack !== undefined) lines.push(...framesOf(wire.stack))
  }
  return lines.join('\n')
}

/** An error of user code keeps its name: `RangeError: …`; a TroupeError shows its kind. */
function headOf({ kind, name, message, stack }: WireError): string {
  const [place] = userFrames(stack ?? '', process.cwd())
  // Escapes line breaks, so that a message cannot imitate further lines of this output.
  const words = message.replaceAll('\n', '\n    ')
  return (
    `${kind === 'Unknown' && name !== 'TroupeError' ? name : kind}: ` +
    `${words}${place === undefined ? '' : ` at ${place}`}`
  )
}

function framesOf(stack: string): readonly string[] {
  return stack.split('\n').filter((line) => /^\s+at /.test(line))
}
