/** The entries of a registry at one time, and what they mean together. */
import { resolve } from 'node:path'
import { Entries } from './entries/entries.ts'
import type { Entry, EntryMap } from './entries/entry.ts'
import { RecentReadings } from './entries/recent-readings.ts'
import { Env } from './env/env.ts'
import { envKinds } from './env/kinds.ts'
import { type Analysis, analyse, duplicateDiagnostic } from './schema/check.ts'
import { type Diagnostic, diagnosticsError } from './schema/diagnostic.ts'
import type { Kind } from './schema/kind.ts'

/** The kinds, folders and history of a registry. */
export interface RegistryOptions {
  /** Kinds that entries may have, in addition to those of the environment (`env.*`). */
  readonly kinds: readonly Kind[]
  /** The folder to which the files of entries without a source are relative. @default the current folder */
  readonly root?: string
  /**
   * Folders other than `root` in which code may be. Applies to entries from files and from changes, not to entries that
   * the program adds itself.
   *
   * @default any folder
   */
  readonly sourceFolders?: readonly string[]
}

/** One state of the registry. Immutable: a change makes the next state. */
interface Snapshot {
  readonly version: number
  readonly entries: Entries
  /** The problems of the files. */
  readonly problems: readonly Diagnostic[]
}

export class RegistryState {
  /** The variables that placeholders name. */
  readonly env: Env
  /** The application's folder. */
  readonly root: string
  /** Entries of the program itself, which may run any code. */
  readonly own = new WeakSet<Entry>()
  readonly #kinds: ReadonlyMap<string, Kind>
  readonly #sourceFolders: readonly string[] | undefined
  readonly #recent = new RecentReadings()
  #snapshot: Snapshot
  #analysis: { readonly of: Snapshot; readonly found: Analysis } | undefined

  constructor(options: RegistryOptions) {
    this.#kinds = new Map([...envKinds, ...options.kinds].map((kind) => [kind.kind, kind]))
    this.root = resolve(options.root ?? '.')
    this.#sourceFolders = options.sourceFolders && [
      this.root,
      ...options.sourceFolders.map((folder) => resolve(this.root, folder)),
    ]
    this.env = new Env(() => this.#snapshot.entries.all, this.root)
    this.#snapshot = { version: 0, entries: this.entriesOf(new Map()), problems: [] }
  }

  get version(): number {
    return this.#snapshot.version
  }

  get entries(): Entries {
    return this.#snapshot.entries
  }

  /** The problems of the files. */
  get problems(): readonly Diagnostic[] {
    return this.#snapshot.problems
  }

  /** The analysis still applies to the entries as they are now. @param found - A later analysis. */
  keepAnalysis(found = this.#analysis?.found): void {
    this.#analysis = found && { of: this.#snapshot, found }
  }

  extend(added: readonly Entry[], problems: readonly Diagnostic[]): void {
    const entries = new Map(this.entries.all)
    const found = [...this.problems, ...problems]
    for (const entry of added) {
      const first = entries.get(entry.id)
      if (first) found.push(duplicateDiagnostic(entry, first))
      else entries.set(entry.id, entry)
    }
    this.become(this.version + 1, entries, found)
  }

  become(version: number, all: EntryMap, problems: readonly Diagnostic[] = this.problems): void {
    this.#snapshot = { version, entries: this.entriesOf(all), problems }
  }

  entriesOf(all: EntryMap): Entries {
    return new Entries(all, {
      kinds: this.#kinds,
      root: this.root,
      env: this.env.at(all),
      recent: this.#recent,
      sourceFolders: (entry) => (this.own.has(entry) ? undefined : this.#sourceFolders),
    })
  }

  /** The analysis of the entries. @throws TroupeError `Invalid` when there are problems. */
  sound(): Analysis {
    const known = this.known()
    if (known.problems.length > 0) throw diagnosticsError(known.problems)
    return known
  }

  known(): Analysis {
    return this.#analysis?.of === this.#snapshot ? this.#analysis.found : this.analyse()
  }

  analyse(): Analysis {
    const found = analyse(this.entries, this.problems)
    this.#analysis = { of: this.#snapshot, found }
    return found
  }
}
