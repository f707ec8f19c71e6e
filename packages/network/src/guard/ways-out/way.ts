/** The types of the table of ways out, which classifies everything that Node offers. */

/**
 * Names of one module that no overlay carries. A call in an overlay fails with the advice; in the clear network the
 * names are Node's own.
 */
export interface RefusedWay {
  /** As passed to `process.getBuiltinModule`; `globalThis` for globals. */
  readonly module: string
  /** Names separated by blanks; a dotted name leads through classes and objects: `ChildProcess.prototype.spawn`. */
  readonly names: string
  /** What to do instead. It ends the error, and appears in `docs/ways-out.md`. */
  readonly advice: string
  /** What to do instead in a program that runs in an overlay as a whole. @default the same */
  readonly programAdvice?: string
  /** How the error reaches the caller. @default 'throw' */
  readonly answer?: 'throw' | 'reject' | 'callback'
  /** Limits the refusal to some calls, with a description of them for the docs. */
  readonly only?: { readonly when: string; readonly test: (args: readonly unknown[]) => boolean }
  /** Identifies Troupe's own calls, which are allowed. */
  readonly own?: (args: readonly unknown[]) => boolean
  /** The file of the guard that refuses these names, if the check needs more than the arguments of a call. */
  readonly by?: string
}

/** The other names of a module. Only tests and docs read this part of the table. */
export interface KnownNames {
  /** How their traffic stays in the thread's network, and the names, separated by blanks. */
  readonly routed?: Readonly<Record<string, string>>
  /** Names that reach nothing, separated by blanks; `Hash.*` means all members of the class. */
  readonly harmless: string
}

/** Joins a list of names that is written over several lines. */
export function words(text: string): string {
  return text.trim().replaceAll(/\s+/g, ' ')
}
