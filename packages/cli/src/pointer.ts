/** Points to the reference. Loads little, because `troupe exec` uses it. */
import { asTroupeError } from '@troupe/core'

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
