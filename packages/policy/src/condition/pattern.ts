/**
 * Regular expressions from configuration, in RE2's syntax: without back-references and look-around. Their time
 * therefore grows only with the text (https://swtch.com/~rsc/regexp/regexp1.html). JavaScript's own expressions could
 * block the kernel.
 */
import { invalid, lazyModule } from '@troupe/core'
import { createRequire } from 'node:module'
import type * as Re2Package from 're2js'
import { spend } from './budget.ts'

const re2 = lazyModule<typeof Re2Package>(() => createRequire(import.meta.url)('re2js'))

export interface Pattern {
  /** Returns whether the expression is found anywhere in `text`. The decision pays for it. @throws TooCostly */
  test(text: string): boolean
}

/** Maximum length of the source of an expression. */
const maxLength = 4096
/**
 * Maximum size of a source with its repetitions: its length times the sum of their counts. It bounds the cost of
 * compiling.
 */
const maxRepeated = 20_000
/** Maximum number of instructions of the compiled program; each may run for each character. */
const maxInstructions = 2000
/** Maximum cost of an instruction for one character, in units. */
const instruction = 10

/** @throws TroupeError `Invalid` for an expression that RE2 does not accept, or that would take long. */
export function compilePattern(source: string): Pattern {
  if (source.length > maxLength)
    throw invalid(`a regular expression is longer than ${maxLength} characters`, { limit: maxLength })
  if (source.length * repetitionsOf(source) > maxRepeated) throw tooLarge(source)
  let pattern: Re2Package.RE2JS
  try {
    pattern = re2().RE2JS.compile(source)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw invalid(`"${source}" is not a regular expression in RE2's syntax: ${reason}`, { pattern: source })
  }
  const size = pattern.programSize()
  if (size > maxInstructions) throw tooLarge(source)
  const prefix = prefixOf(source)
  return {
    test: (text) => {
      if (!text.startsWith(prefix)) return false
      spend(text.length * size * instruction)
      return pattern.test(text)
    },
  }
}

/** Returns the sum of all counts of repetitions; 1 without any. */
function repetitionsOf(source: string): number {
  const counts = Array.from(source.matchAll(/\{(\d+)(?:,(\d*))?\}/g), ([, least = '', most = '']) =>
    Number(most === '' ? least : most),
  )
  return counts.reduce((sum, count) => sum + count, 1)
}

function tooLarge(source: string) {
  return invalid(`"${source}" repeats too much: a decision would take long`, { pattern: source })
}

/**
 * Returns a literal prefix of all texts that the expression matches, if it is obvious: a text without it need not be
 * searched further.
 */
function prefixOf(source: string): string {
  if (source.includes('|') || source.includes('(?')) return ''
  const [, literal = '', next = ''] = /^\^([\w/:@ -]*)(.?)/s.exec(source) ?? []
  return '*?{'.includes(next) && next !== '' ? literal.slice(0, -1) : literal
}
