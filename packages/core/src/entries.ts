/**
 * The entries of the application at hand, for the compiler. Empty here: the `entries.d.ts` that `troupe types` writes adds to these
 * interfaces, under the name `troupe`, which hands them on.
 */

/** The functions that `funcs.call` knows: their types by the ids of their entries. */
export interface FunctionEntries {}

/** The processes that `processes.spawn` and its like know: the types of their main functions by the ids of their entries. */
export interface ProcessEntries {}

/** The id of one of `Entries`, which editors offer, or any other: what is not known is checked when it runs. */
export type IdIn<Entries> = (keyof Entries & string) | (string & {})

/** What the entry `Id` takes; of one that is not known, anything. */
export type ArgumentsOf<Entries, Id> = Id extends keyof Entries
  ? Entries[Id] extends (...args: infer Arguments) => unknown
    ? Arguments
    : unknown[]
  : unknown[]

/** What the entry `Id` comes to; of one that is not known, nothing is. */
export type ResultOf<Entries, Id> = Id extends keyof Entries
  ? Entries[Id] extends (...args: never) => infer Result
    ? Awaited<Result>
    : unknown
  : unknown
