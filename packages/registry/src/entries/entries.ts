/** One state of the registry: all entries, and what they mean. Immutable: a change makes the next state. */
import { isDeepStrictEqual } from 'node:util'
import { type EntryId, invalid, namespaceOf, TroupeError } from '@troupe/core'
import { type Decoded, type DecodedAs, decodeEntry, diagnosticOf } from '../schema/decode.ts'
import { type Entry, kindMatches } from './entry.ts'
import type { Env } from '../env/env.ts'
import type { Kind } from '../schema/kind.ts'
import type { Reading, RecentReadings } from './recent-readings.ts'
import { diagnosticsError } from '../schema/diagnostic.ts'
import { didYouMean } from '../schema/suggest.ts'

/** The query of {@link Entries.find}. */
export interface FindQuery {
  /** A kind, or the prefix of one: `network.*`. */
  readonly kind?: string
  /** Keys that `meta` must have, with equal values; nested mappings are compared in the same way. */
  readonly meta?: Readonly<Record<string, unknown>>
}

/** What entries are decoded with. */
export interface EntriesContext {
  readonly kinds: ReadonlyMap<string, Kind>
  /** The folder to which the files of entries without a source are relative. */
  readonly root: string
  /** Folders that must contain the code of an entry; `undefined`: any folder. */
  readonly sourceFolders: (entry: Entry) => readonly string[] | undefined
  /** The variables, as these entries define them. */
  readonly env: Env
  readonly recent: RecentReadings
}

/** All entries of one version of the registry, with what decoding them needs. */
export class Entries {
  readonly all: ReadonlyMap<EntryId, Entry>
  readonly #context: EntriesContext

  constructor(all: ReadonlyMap<EntryId, Entry>, context: EntriesContext) {
    this.all = all
    this.#context = context
  }

  has(id: EntryId): boolean {
    return this.all.has(id)
  }

  /**
   * Returns the entry as it was written: placeholders are kept, so that no secret shows.
   *
   * @throws TroupeError `NotFound`
   */
  get(id: EntryId): Entry {
    const entry = this.all.get(id)
    if (entry) return entry
    throw new TroupeError('NotFound', `there is no entry ${id}${didYouMean(id, this.all.keys())}`, { details: { id } })
  }

  /** Returns the entries that match, by id. */
  find(query: FindQuery = {}): readonly Entry[] {
    const { kind = '*', meta = {} } = query
    return byId(this.all.values().filter((entry) => kindMatches(entry.kind, kind) && includes(entry.meta, meta)))
  }

  /**
   * Returns the entry with its placeholders resolved and its fields checked. With a kind, its fields are typed.
   *
   * @throws TroupeError `NotFound` for an unknown id; `Invalid` when the entry is of another kind, or with all problems
   *   in it.
   */
  decode(id: EntryId): Decoded
  decode<K extends Kind>(id: EntryId, kind: K): DecodedAs<K>
  decode(id: EntryId, kind?: Kind): Decoded {
    const entry = this.get(id)
    if (kind && kind.kind !== entry.kind)
      throw invalid(`${id} is a ${entry.kind}, not a ${kind.kind}`, { id, kind: entry.kind })
    const { decoded, problems } = this.read(entry, kind)
    if (decoded) return decoded
    throw diagnosticsError(problems)
  }

  /**
   * Returns the value of a variable that the entry `id` names in one of its fields; `undefined` when it is not set and
   * has no default.
   *
   * @throws TroupeError `NotFound` for an unknown id; like {@link Env.get}.
   */
  variable(id: EntryId, name: string): string | undefined {
    return this.#context.env.lookup(name, namespaceOf(id), this.get(id))
  }

  /** Decodes an entry of this state. Does not throw for problems in it. */
  read(entry: Entry, kind: Kind | undefined = this.#context.kinds.get(entry.kind)): Reading {
    const { kinds, root, env, recent } = this.#context
    if (!kind) {
      const message = `kind: there is no kind "${entry.kind}"${didYouMean(entry.kind, kinds.keys())}`
      return {
        problems: [diagnosticOf(entry, { code: 'unknown-kind', message, path: ['kind'] })],
        usesVariables: false,
      }
    }
    const conditions = { kind, sourceFolders: this.#context.sourceFolders(entry) }
    const known = recent.find(entry, conditions, (name) => env.lookup(name, namespaceOf(entry.id), entry))
    if (known !== undefined) return known
    const variables = new Map<string, string | undefined>()
    let usesVariables = false
    const variable = (name: string, namespace: string) => {
      usesVariables = true
      const value = env.lookup(name, namespace, entry)
      variables.set(name, value)
      return value
    }
    const { sourceFolders } = conditions
    const reading = { ...decodeEntry(kind, entry, { folder: root, sourceFolders, variable }), usesVariables }
    recent.keep(entry, conditions, reading, variables)
    return reading
  }
}

export function byId(entries: Iterable<Entry>): readonly Entry[] {
  return [...entries].toSorted((a, b) => (a.id < b.id ? -1 : 1))
}

/** Whether `value` contains everything in `wanted`. */
function includes(value: unknown, wanted: unknown): boolean {
  if (typeof wanted !== 'object' || wanted === null || Array.isArray(wanted)) return isDeepStrictEqual(value, wanted)
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(wanted).every(
    ([key, part]) => Object.hasOwn(value, key) && includes(Reflect.get(value, key), part),
  )
}
