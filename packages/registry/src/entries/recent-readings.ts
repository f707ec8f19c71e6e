/** Results of decoding entries. A boot decodes most entries several times, and they rarely differ. */
import type { Entry } from './entry.ts'
import type { Decoded, DecodeResult } from '../schema/decode.ts'
import type { Kind } from '../schema/kind.ts'

/** A decoded entry, and whether the result depended on variables. */
export type Reading = DecodeResult<Decoded> & { readonly usesVariables: boolean }

/** What the result of decoding an entry depends on, apart from the entry. */
export interface ReadingConditions {
  readonly kind: Kind
  readonly sourceFolders: readonly string[] | undefined
}

interface Kept extends ReadingConditions {
  readonly reading: Reading
  /** The variables that were read, with their values. */
  readonly variables: ReadonlyMap<string, string | undefined>
}

/** Kept until the next collection of garbage at least: later, entries are decoded again. */
export class RecentReadings {
  readonly #kept = new WeakMap<Entry, WeakRef<Kept>>()

  /**
   * Returns the last result for an entry if it would be the same now.
   *
   * @param variable - Reads a variable.
   */
  find(
    entry: Entry,
    { kind, sourceFolders }: ReadingConditions,
    variable: (name: string) => string | undefined,
  ): Reading | undefined {
    const kept = this.#kept.get(entry)?.deref()
    if (kept === undefined || kept.kind !== kind || kept.sourceFolders !== sourceFolders) return undefined
    try {
      for (const [name, value] of kept.variables) if (variable(name) !== value) return undefined
    } catch {
      // Decoding reports it.
      return undefined
    }
    return kept.reading
  }

  /** Keeps a result without problems. The result for an entry with files also depends on the file system. */
  keep(
    entry: Entry,
    conditions: ReadingConditions,
    reading: Reading,
    variables: ReadonlyMap<string, string | undefined>,
  ): void {
    if (reading.decoded === undefined || reading.decoded.files.length > 0) return
    this.#kept.set(entry, new WeakRef({ ...conditions, reading, variables }))
  }
}
