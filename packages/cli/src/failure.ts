/** An error as the command line tells it. */
import { errorToWire, type WireError } from '@troupe/core'

/** Kind and message, then each cause on a line of its own; with `verbose`, stacks. */
export function describeFailure(error: unknown, verbose: boolean): string {
  const lines: string[] = []
  for (let wire: WireError | undefined = errorToWire(error), depth = 0; wire; wire = wire.cause, depth++) {
    lines.push(`${depth === 0 ? '' : '  because: '}${headOf(wire)}`)
    if (verbose && wire.stack !== undefined) lines.push(...framesOf(wire.stack))
  }
  return lines.join('\n')
}

/** What user code threw keeps its name: `RangeError: …`; ours goes by its kind. */
function headOf({ kind, name, message }: WireError): string {
  return `${kind === 'Unknown' && name !== 'TroupeError' ? name : kind}: ${message}`
}

function framesOf(stack: string): readonly string[] {
  return stack.split('\n').filter((line) => /^\s+at /.test(line))
}
