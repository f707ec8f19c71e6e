/**
 * Regular expressions from configuration, in RE2's syntax: without back-references and look-around, and therefore in time
 * that grows with the text alone (https://swtch.com/~rsc/regexp/regexp1.html). JavaScript's own would stall the kernel.
 */
import { invalid } from '@troupe/core'
import { RE2JS } from 're2js'

export interface Pattern {
  /** Whether the expression is found anywhere in `text`. */
  test(text: string): boolean
}

/** @throws TroupeError `Invalid` for what RE2 does not take. */
export function compilePattern(source: string): Pattern {
  try {
    return RE2JS.compile(source)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw invalid(`"${source}" is not a regular expression in RE2's syntax: ${reason}`, { pattern: source })
  }
}
