/** Formats an error for `troupe exec`, which loads little. */
import { asTroupeError } from '@troupe/core'

/** The message, and then the message of each cause on its own line. */
export function describeFailure(error: unknown): string {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT' && 'path' in error)
    return `${String(error.path)}: there is no such program`
  const lines: string[] = []
  for (let each: unknown = error; each instanceof Error && lines.length < 8; each = each.cause) {
    lines.push(`${lines.length === 0 ? '' : '  because: '}${asTroupeError(each).message}`)
  }
  return lines.join('\n')
}
