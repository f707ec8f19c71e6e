/**
 * The entries of the application, for the compiler. Empty here: the `entries.d.ts` that `troupe types` writes extends
 * these interfaces under the name `troupe`, which re-exports them.
 */

/** The functions that `funcs.call` knows: their types by the ids of their entries. */
export interface FunctionEntries {}

/**
 * The processes that `processes.spawn` and similar calls know: the types of their main functions by the ids of their
 * entries.
 */
export interface ProcessEntries {}

/** An id of `Entries`, which editors suggest, or any other id. An unknown id is checked at run time. */
export type IdIn<Entries> = (keyof Entries & string) | (string & {})

/** The parameters of the entry `Id`; any parameters for an unknown id. */
export type ArgumentsOf<Entries, Id> = Id extends keyof Entries
  ? Entries[Id] extends (...args: infer Arguments) => unknown
    ? Arguments
    : unknown[]
  : unknown[]

/** The result of the entry `Id`; `unknown` for an unknown id. */
export type ResultOf<Entries, Id> = Id extends keyof Entries
  ? Entries[Id] extends (...args: never) => infer Result
    ? Awaited<Result>
    : unknown
  : unknown
