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
    const pattern = RE2JS.compile(source)
    const prefix = prefixOf(source)
    return prefix === '' ? pattern : { test: (text) => text.startsWith(prefix) && pattern.test(text) }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw invalid(`"${source}" is not a regular expression in RE2's syntax: ${reason}`, { pattern: source })
  }
}

/** What all that the expression matches begins with, as far as that shows at first sight: a text without it need not be looked at further. */
function prefixOf(source: string): string {
  if (source.includes('|') || source.includes('(?')) return ''
  const [, literal = '', next = ''] = /^\^([\w/:@ -]*)(.?)/s.exec(source) ?? []
  return '*?{'.includes(next) && next !== '' ? literal.slice(0, -1) : literal
}
