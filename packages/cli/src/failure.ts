/** Formats an error for the command line. */
import { asTroupeError, errorToWire, type WireError } from '@troupe/core'
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

/** The codes that the reference describes. */
const codes: readonly string[] = ['EOVERLAY', 'ESEALED', 'EUNBOUND', 'ENETWORK']

/** Maximum number of causes that are examined. */
const mostCauses = 8

/**
 * Where the reference describes the error or, for an error of other code such as that of `fetch`, its cause;
 * `undefined` where all are errors of other code.
 */
export function pointerTo(thrown: unknown): string | undefined {
  let error = thrown
  for (let depth = 0; depth < mostCauses && error instanceof Error; depth += 1) {
    const { kind, details } = asTroupeError(error)
    const given = new Set(['code' in error ? error.code : undefined, details['code']])
    const word = codes.find((code) => given.has(code)) ?? kind
    if (word !== 'Unknown') return `see: troupe docs ${word}`
    error = error.cause
  }
  return undefined
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
