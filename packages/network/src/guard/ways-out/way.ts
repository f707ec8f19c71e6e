/** How the table of ways out describes what Node offers. */

/** Names of one module that no overlay carries. Calling them in an overlay fails with the advice; in the clear they are Node's own. */
export interface RefusedWay {
  /** As `process.getBuiltinModule` takes it; `globalThis` for globals. */
  readonly module: string
  /** Names separated by blanks; a dotted name leads through classes and objects: `ChildProcess.prototype.spawn`. */
  readonly names: string
  /** What to do instead. Ends the error, and stands in `docs/ways-out.md`. */
  readonly advice: string
  /** How the error reaches the caller. @default 'throw' */
  readonly answer?: 'throw' | 'reject' | 'callback'
  /** Limits the refusal to some calls, and says which, for the docs. */
  readonly only?: { readonly when: string; readonly test: (args: readonly unknown[]) => boolean }
  /** Tells calls of Troupe's own, which are let through. */
  readonly own?: (args: readonly unknown[]) => boolean
  /** The file of the guard that refuses these names, where that takes more than a look at a call. */
  readonly by?: string
}

/** What a module offers besides. Only tests and docs read this part of the table. */
export interface KnownNames {
  /** How their traffic stays in the thread's network, and the names, separated by blanks. */
  readonly routed?: Readonly<Record<string, string>>
  /** Names that lead nowhere, separated by blanks; `Hash.*` stands for all members of the class. */
  readonly harmless: string
}

/** Names that are too many for one line. */
export function words(text: string): string {
  return text.trim().replaceAll(/\s+/g, ' ')
}
