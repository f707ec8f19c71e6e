/** Commands of a shell, parsed: the part of the POSIX shell language that scripts of packages use. */

/** A piece of a word. */
export type Part =
  | { readonly text: string; readonly quoted: boolean }
  | { readonly variable: string; readonly quoted: boolean; readonly fallback: string | undefined }

export type Word = readonly Part[]

export interface Redirect {
  readonly fd: number
  /** `>&` duplicates the descriptor that the target names. */
  readonly operator: '<' | '>' | '>>' | '>&'
  readonly target: Word
}

export interface Command {
  readonly assignments: readonly (readonly [string, Word])[]
  readonly words: readonly Word[]
  readonly redirects: readonly Redirect[]
}

export interface Pipeline {
  readonly commands: readonly Command[]
  /** `!`: the status is inverted. */
  readonly negated: boolean
}

export interface ListItem {
  /** How it follows the one before. */
  readonly operator: ';' | '&&' | '||'
  readonly pipeline: Pipeline
}
