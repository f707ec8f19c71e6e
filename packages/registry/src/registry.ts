/** The registry: all entries of an application, and what they mean together. */
import { resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { type EntryId, invalid, TroupeError } from '@troupe/core'
import { type Decoded, type DecodedAs, type DecodeResult, decodeEntry, problemOf } from './decode.ts'
import { type Analysis, analyse, duplicateProblem } from './check.ts'
import { entriesOf } from './document.ts'
import { type Entry, type EntryInput, entryFromInput, kindMatches } from './entry.ts'
import { Env } from './env.ts'
import { envKinds } from './env-kinds.ts'
import { findYamlFiles, readText } from './folder.ts'
import type { Graph } from './graph.ts'
import type { Kind } from './kind.ts'
import { overridden } from './override.ts'
import { type Problem, problemsError } from './problem.ts'
import { didYouMean } from './suggest.ts'
import { parseYaml } from './yaml.ts'

export interface RegistryOptions {
  /** Kinds that entries may have, beside those of the environment (`env.*`). */
  readonly kinds: readonly Kind[]
  /** Folder that files of entries without a source are relative to. @default the current folder */
  readonly root?: string
}

/** What {@link Registry.find} looks for. */
export interface FindQuery {
  /** A kind, or the beginning of one: `network.*`. */
  readonly kind?: string
  /** Keys that `meta` must have, with equal values; mappings inside it are compared likewise. */
  readonly meta?: Readonly<Record<string, unknown>>
}

/** One state of the registry. Never changed: a change makes the next one. */
interface Snapshot {
  readonly version: number
  readonly entries: ReadonlyMap<EntryId, Entry>
  /** What was wrong with the files. */
  readonly problems: readonly Problem[]
}

/**
 * Entries by id, and the kinds that give them meaning.
 *
 * @example
 * ```ts
 * const registry = new Registry({ kinds: [socks5, host] })
 * await registry.load('src')
 * const problems = registry.check()
 * if (problems.length > 0) throw problemsError(problems)
 * for (const level of registry.order()) await Promise.all(level.map(start))
 * ```
 */
export class Registry {
  /** The variables that placeholders name. */
  readonly env: Env
  readonly #kinds: ReadonlyMap<string, Kind>
  readonly #root: string
  #snapshot: Snapshot = { version: 0, entries: new Map(), problems: [] }

  constructor(options: RegistryOptions) {
    this.#kinds = new Map([...envKinds, ...options.kinds].map((kind) => [kind.kind, kind]))
    this.#root = resolve(options.root ?? '.')
    this.env = new Env(() => this.#snapshot.entries, this.#root)
  }

  /** Number of the state that the registry is in: it grows by one with each change. */
  version(): number {
    return this.#snapshot.version
  }

  /** All entries, by id. */
  entries(): readonly Entry[] {
    return byId(this.#snapshot.entries.values())
  }

  /**
   * Reads all YAML files under `folder` and adds their entries. What is wrong with them is told by {@link check}.
   *
   * @throws TroupeError `NotFound` when the folder can not be read.
   */
  async load(folder: string): Promise<void> {
    const files = await findYamlFiles(resolve(folder))
    const texts = await Promise.all(files.map(readText))
    const entries: Entry[] = []
    const problems: Problem[] = []
    for (const [index, file] of files.entries()) {
      const parsed = parseYaml(texts[index] ?? '', file)
      const read = parsed.documents.map(entriesOf)
      entries.push(...read.flatMap((document) => document.entries))
      problems.push(...parsed.problems, ...read.flatMap((document) => document.problems))
    }
    this.#extend(entries, problems)
  }

  /** Adds entries that code makes. An id that is taken is told by {@link check}. */
  add(...inputs: readonly EntryInput[]): void {
    this.#extend(inputs.map(entryFromInput), [])
  }

  /** Whether there is an entry with this id. */
  has(id: EntryId): boolean {
    return this.#snapshot.entries.has(id)
  }

  /**
   * The entry as it was written: placeholders are kept, so that no secret shows.
   *
   * @throws TroupeError `NotFound`
   */
  get(id: EntryId): Entry {
    const entry = this.#snapshot.entries.get(id)
    if (entry) return entry
    throw new TroupeError('NotFound', `there is no entry ${id}${didYouMean(id, this.#snapshot.entries.keys())}`, { details: { id } })
  }

  /** Entries that match, by id. */
  find(query: FindQuery = {}): readonly Entry[] {
    const { kind = '*', meta = {} } = query
    return byId(this.#snapshot.entries.values().filter((entry) => kindMatches(entry.kind, kind) && includes(entry.meta, meta)))
  }

  /**
   * The entry with its placeholders resolved and its fields checked. With a kind, its fields are typed.
   *
   * @throws TroupeError `NotFound` for an unknown id; `Invalid` when the entry is of another kind, or with all that is wrong in it.
   */
  decode(id: EntryId): Decoded
  decode<K extends Kind>(id: EntryId, kind: K): DecodedAs<K>
  decode(id: EntryId, kind?: Kind): Decoded {
    const entry = this.get(id)
    if (kind && kind.kind !== entry.kind) throw invalid(`${id} is a ${entry.kind}, not a ${kind.kind}`, { id, kind: entry.kind })
    const { decoded, problems } = this.#decode(entry, kind)
    if (decoded) return decoded
    throw problemsError(problems)
  }

  /**
   * Replaces one field of an entry: `registry.override(id, 'port', '9050')`. The value is read as YAML.
   *
   * @throws TroupeError `NotFound` for an unknown id; `Invalid` when the value is not YAML or the path leads nowhere.
   */
  override(id: EntryId, path: string, value: string): void {
    const entries = new Map(this.#snapshot.entries).set(id, overridden(this.get(id), path, value))
    this.#snapshot = { ...this.#snapshot, version: this.#snapshot.version + 1, entries }
  }

  /** All that is wrong with the files, the entries and their references, by place. Empty when the application can start. */
  check(): readonly Problem[] {
    return this.#analyse().problems
  }

  /**
   * Who needs whom.
   *
   * @throws TroupeError `Invalid` with all that {@link check} finds.
   */
  graph(): Graph {
    const { graph, problems } = this.#analyse()
    if (problems.length > 0) throw problemsError(problems)
    return graph
  }

  /** Ids by the order of starting: see {@link Graph.levels}. Throws like {@link graph}. */
  order(): readonly (readonly EntryId[])[] {
    return this.graph().levels
  }

  #extend(added: readonly Entry[], problems: readonly Problem[]): void {
    const entries = new Map(this.#snapshot.entries)
    const found = [...this.#snapshot.problems, ...problems]
    for (const entry of added) {
      const first = entries.get(entry.id)
      if (first) found.push(duplicateProblem(entry, first))
      else entries.set(entry.id, entry)
    }
    this.#snapshot = { version: this.#snapshot.version + 1, entries, problems: found }
  }

  #decode(entry: Entry, kind: Kind | undefined = this.#kinds.get(entry.kind)): DecodeResult<Decoded> {
    if (kind)
      return decodeEntry(kind, entry, { folder: this.#root, variable: (name, namespace) => this.env.lookup(name, namespace, entry) })
    const message = `kind: there is no kind "${entry.kind}"${didYouMean(entry.kind, this.#kinds.keys())}`
    return { problems: [problemOf(entry, { code: 'unknown-kind', message, path: ['kind'] })] }
  }

  #analyse(): Analysis {
    const { entries, problems } = this.#snapshot
    return analyse(entries, (entry) => this.#decode(entry), problems)
  }
}

function byId(entries: Iterable<Entry>): readonly Entry[] {
  return [...entries].toSorted((a, b) => (a.id < b.id ? -1 : 1))
}

/** Whether `value` has all that `wanted` has. */
function includes(value: unknown, wanted: unknown): boolean {
  if (typeof wanted !== 'object' || wanted === null || Array.isArray(wanted)) return isDeepStrictEqual(value, wanted)
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(wanted).every(([key, part]) => Object.hasOwn(value, key) && includes(Reflect.get(value, key), part))
}
