/** The builtin `set`, as scripts begin with it: `set -euo pipefail`. */
import { UnsupportedSyntax } from './words.ts'

/** Options of the shell. */
export interface SetOptions {
  /** `-e`: the first pipeline that fails, and whose status nothing tests, ends the shell. */
  readonly errexit?: boolean
  /** `-u`: a variable that is not set ends the shell. */
  readonly nounset?: boolean
  /** `-o pipefail`: the status of a pipeline is that of its last command that failed. */
  readonly pipefail?: boolean
}

const byLetter = new Map<string, keyof SetOptions>([
  ['e', 'errexit'],
  ['u', 'nounset'],
])
const names = ['errexit', 'nounset', 'pipefail'] as const

/** Parses the arguments of `set`. @throws UnsupportedSyntax for others */
export function setOptions(args: readonly string[]): SetOptions {
  const found = new Map<keyof SetOptions, boolean>()
  const others: string[] = []
  const waiting = [...args]
  for (let word = waiting.shift(); word !== undefined; word = waiting.shift()) {
    const isOn = word.startsWith('-')
    if (!isOn && !word.startsWith('+')) others.push(word)
    for (const letter of word.slice(1)) {
      const named = letter === 'o' ? waiting.shift() : byLetter.get(letter)
      const option = names.find((name) => name === named)
      if (option === undefined) others.push(word)
      else found.set(option, isOn)
    }
  }
  if (others.length > 0 || args.length === 0) throw new UnsupportedSyntax(['"set', ...others].join(' ') + '"')
  return Object.fromEntries(found)
}
