/** Expands words: variables, then splitting at blanks, then file names. */
import { globSync } from 'node:fs'
import type { Part, Word } from './syntax.ts'

/** What words refer to. */
export interface Scope {
  readonly env: ReadonlyMap<string, string>
  /** `$0`, `$1`, … */
  readonly parameters: readonly string[]
  readonly folder: string
  /** `$?` @default 0 */
  readonly status?: number
  /** Whether a variable that is not set is an error (`set -u`). @default false */
  readonly nounset?: boolean
}

/** A variable that is not set, after `set -u`. */
export class UnsetVariable extends Error {
  override name = 'UnsetVariable'
}

/** Returns the arguments that a word stands for: any number. */
export function expandWord(word: Word, scope: Scope): readonly string[] {
  const fields = fieldsOf(word, scope)
  return fields.flatMap((field) => {
    if (!field.some(({ text, quoted }) => !quoted && /[*?[]/.test(text))) return [joined(field)]
    const pattern = field.map(({ text, quoted }) =>
      quoted ? text.replaceAll(/[*?[\]{}()!+@\\]/g, String.raw`\$&`) : text,
    )
    const found = globSync(pattern.join(''), { cwd: scope.folder }).toSorted()
    return found.length === 0 ? [joined(field)] : found
  })
}

/** Returns the text of a word that is not split: of an assignment or a redirection. */
export function expandText(word: Word, scope: Scope): string {
  return joined(word.map((part) => ({ text: valueOf(part, scope), quoted: true })))
}

interface Piece {
  readonly text: string
  readonly quoted: boolean
}

function fieldsOf(word: Word, scope: Scope): readonly (readonly Piece[])[] {
  const fields: Piece[][] = []
  let current: Piece[] | undefined
  const add = (piece: Piece) => {
    current ??= []
    current.push(piece)
  }
  const close = () => {
    if (current !== undefined) fields.push(current)
    current = undefined
  }
  for (const part of word) {
    if ('variable' in part && part.variable === '@') {
      scope.parameters.slice(1).forEach((text, at) => {
        if (at > 0) close()
        add({ text, quoted: true })
      })
    } else if ('text' in part || part.quoted) add({ text: valueOf(part, scope), quoted: part.quoted })
    else {
      const value = valueOf(part, scope)
      if (/^\s/.test(value)) close()
      value
        .split(/\s+/)
        .filter((text) => text !== '')
        .forEach((text, at) => {
          if (at > 0) close()
          add({ text, quoted: false })
        })
      if (/\s$/.test(value)) close()
    }
  }
  close()
  return fields
}

function valueOf(part: Part, { env, parameters, status = 0, nounset = false }: Scope): string {
  if ('text' in part) return part.text
  const { variable, fallback = '' } = part
  if (variable === '?') return String(status)
  const value = /^\d+$/.test(variable) ? parameters[Number(variable)] : env.get(variable)
  if (nounset && value === undefined && part.fallback === undefined)
    throw new UnsetVariable(`${variable}: unbound variable`)
  return value === undefined || value === '' ? fallback : value
}

function joined(pieces: readonly Piece[]): string {
  return pieces.map(({ text }) => text).join('')
}
