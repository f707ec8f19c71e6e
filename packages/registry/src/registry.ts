/** The registry: all entries of an application, what they mean together, and how they change. */
import type { EntryId } from '@troupe/core'
import { appliedEvents, type AppliedOptions, publish, type Version, versionOf } from './changes/applied.ts'
import { examine } from './changes/changeset.ts'
import { type Change, changed, changeBetween, differences, type EntryChange, readChanges } from './changes/change.ts'
import { learn } from './schema/check.ts'
import type { Decoded, DecodedAs } from './schema/decode.ts'
import { byId, type FindQuery } from './entries/entries.ts'
import { type Entry, type EntryInput, entryFromInput, type EntryMap } from './entries/entry.ts'
import type { Env } from './env/env.ts'
import type { Graph } from './entries/graph.ts'
import type { KindHandler } from './changes/change-handler.ts'
import { HandlersByKind } from './changes/handlers-by-kind.ts'
import { changesBack, changesBetween, type History, MemoryHistory, versionsAfter } from './changes/history.ts'
import type { Kind } from './schema/kind.ts'
import { located, initialStateOf } from './changes/initial-state.ts'
import { overridden } from './config/override.ts'
import { type Diagnostic, diagnosticsError } from './schema/diagnostic.ts'
import { SerialQueue } from './changes/serial-queue.ts'
import { readFolder } from './yaml/read-folder.ts'
import { RegistryState, type RegistryOptions } from './registry-state.ts'
import { settle, transact } from './changes/transaction.ts'

export type { RegistryOptions } from './registry-state.ts'

/** Throws for a change that is not allowed. */
type Permit = (change: EntryChange) => void

interface CarryOutOptions {
  readonly files?: EntryMap
  readonly released?: (() => Promise<void>) | undefined
  readonly permit?: Permit | undefined
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
 * registry.handle('network.*', overlays)
 * const entry = { id: 'app:proxy', kind: 'network.socks5', host: '127.0.0.1', port: 9050 }
 * await registry.apply([{ op: 'update', entry }])
 * ```
 */
export class Registry {
  /** The variables that placeholders name. */
  readonly env: Env
  /** Dispatches an {@link AppliedEvent} named `applied` for each version, once it has taken effect. */
  readonly events = new EventTarget()
  /** The application's folder. */
  readonly root: string
  readonly #state: RegistryState
  readonly #handlers = new HandlersByKind()
  readonly #queue = new SerialQueue()
  #history: History = new MemoryHistory()
  /** The entries of the files at the last read. */
  #files: EntryMap = new Map()

  constructor(options: RegistryOptions) {
    this.#state = new RegistryState(options)
    this.root = this.#state.root
    this.env = this.#state.env
  }

  /** Number of the registry's state: it grows by one with each change. */
  version(): number {
    return this.#state.version
  }

  /** All entries, by id. */
  entries(): readonly Entry[] {
    return byId(this.#state.entries.all.values())
  }

  /**
   * Reads all YAML files under `folder` and adds their entries. {@link check} reports the problems of the files.
   *
   * @throws TroupeError `NotFound` when the folder cannot be read.
   */
  async load(folder: string): Promise<void> {
    const { entries, problems } = await readFolder(folder)
    this.#state.extend(entries, problems)
  }

  /** Adds entries that code makes, before the application runs. {@link check} reports an id that is already taken. */
  add(...inputs: readonly EntryInput[]): void {
    const entries = inputs.map(entryFromInput)
    for (const entry of entries) this.#state.own.add(entry)
    this.#state.extend(entries, [])
  }

  /** Returns whether an entry with this id exists. */
  has(id: EntryId): boolean {
    return this.#state.entries.has(id)
  }

  /**
   * Returns the entry as it was written: placeholders are kept, so that no secret shows.
   *
   * @throws TroupeError `NotFound`
   */
  get(id: EntryId): Entry {
    return this.#state.entries.get(id)
  }

  /** Returns the entries that match, by id. */
  find(query: FindQuery = {}): readonly Entry[] {
    return this.#state.entries.find(query)
  }

  /** See `Entries.decode`. */
  decode(id: EntryId): Decoded
  decode<K extends Kind>(id: EntryId, kind: K): DecodedAs<K>
  decode(id: EntryId, kind?: Kind): Decoded {
    return kind ? this.#state.entries.decode(id, kind) : this.#state.entries.decode(id)
  }

  /** See `Entries.variable`. */
  variable(id: EntryId, name: string): string | undefined {
    return this.#state.entries.variable(id, name)
  }

  /**
   * Replaces one field of an entry, before the application runs: `registry.override(id, 'port', '9050')`. The value is
   * read as YAML.
   *
   * @throws TroupeError `NotFound` for an unknown id; `Invalid` when the value is not YAML or the path leads nowhere.
   */
  override(id: EntryId, path: string, value: string): void {
    const { all } = this.#state.entries
    this.#state.become(this.version() + 1, new Map(all).set(id, overridden(this.get(id), path, value)))
  }

  /**
   * Returns all problems of the files, the entries and their references, by position. Empty when the application can
   * start.
   */
  check(): readonly Diagnostic[] {
    return this.#state.analyse().problems
  }

  /**
   * Returns the references between entries. The graph follows every change that {@link apply} makes.
   *
   * @throws TroupeError `Invalid` with all problems that {@link check} finds.
   */
  graph(): Graph {
    return this.#state.sound().graph
  }

  /** Returns the ids in start order: see {@link Graph.levels}. Throws like {@link graph}. */
  order(): readonly (readonly EntryId[])[] {
    return this.graph().levels
  }

  /**
   * Makes `handler` apply the changes of entries of a kind (`network.*` for all kinds with that prefix). If several
   * handlers match, the first is used. Entries without a handler are data: they just change.
   */
  handle(kind: string, handler: KindHandler): void {
    this.#handlers.add(kind, handler)
  }

  /**
   * Keeps versions in `history` from now on. Call it after the files were read. The changes of an earlier run are kept,
   * except for entries whose files have changed since that run.
   *
   * @throws TroupeError `Unavailable` when the history cannot be read or written.
   */
  open(history: History): void {
    this.#history = history
    this.#files = this.#state.entries.all
    const start = initialStateOf(history.kept(), this.#files, this.version())
    if (start.entries !== this.#files) this.#state.become(start.version, start.entries)
    // A state with problems is not stored: it stops the boot.
    if (start.record === undefined || this.#state.known().problems.length > 0) return
    history.append(start.record, this.#files)
    this.#state.become(start.record.version, start.entries)
    this.#state.keepAnalysis()
  }

  /**
   * Applies a set of changes, all or none: checks it, lets the handlers of its kinds prepare it, and makes it take
   * effect. Concurrent sets are applied one after the other. Returns the new version.
   *
   * @param released - Called when the changes have taken effect. `apply` waits for the follow-up work until this
   *   promise settles; after that the work continues by itself.
   * @param permit - Called with the resolved changes before anything is done; throws for a change that is not allowed.
   * @param isOwn - The entries are the program's own and may run any code. @default true when there is no `permit`
   * @throws TroupeError with the reason, with nothing changed: `Invalid` with all problems, `AlreadyExists`,
   *   `NotFound`, or the failure of a handler. `Internal` when the changes took effect but their follow-up work failed.
   */
  async apply(
    changes: readonly Change[],
    released?: () => Promise<void>,
    permit?: Permit,
    isOwn: boolean = permit === undefined,
  ): Promise<number> {
    return this.#queue.run(async () => {
      const read = readChanges(changes, this.#state.entries)
      if (isOwn) for (const { after } of read) if (after !== undefined) this.#state.own.add(after)
      return this.#carryOut(read, { released, permit })
    })
  }

  /**
   * Restores the entries of an earlier version. This is a change like any other, and makes a new version.
   *
   * @throws TroupeError `NotFound` for a version that is no longer kept; like {@link apply}.
   */
  async rollback(version: number, released?: () => Promise<void>, permit?: Permit): Promise<number> {
    return this.#queue.run(async () => {
      const undone = versionsAfter(this.#history.records(), version, this.version())
      return this.#carryOut(changesBack(this.#state.entries.all, undone), { released, permit })
    })
  }

  /**
   * Applies what changed in the files since the last read, as `fresh` has read them. All other changes are kept.
   * Returns the version.
   *
   * @throws TroupeError `Invalid` with the problems of the files; like {@link apply}.
   */
  async reload(fresh: Registry): Promise<number> {
    return this.#queue.run(async () => {
      const { entries, problems } = fresh.#state
      if (problems.length > 0) throw diagnosticsError(problems)
      const edited = differences(this.#files, entries.all)
      const now = this.#state.entries.all
      const changes = edited
        .map(({ id, after }) => changeBetween(id, now.get(id), after))
        .filter((change) => change !== undefined)
      const version = await this.#carryOut(changes, { files: entries.all })
      this.#relocate(entries.all)
      return version
    })
  }

  /** Returns the versions that are kept, the oldest first. */
  history(): readonly Version[] {
    return this.#history.records().map(versionOf)
  }

  /**
   * Returns the changes that lead from one version to another; `to` may be the older one.
   *
   * @throws TroupeError `NotFound` for a version that is no longer kept.
   */
  diff(from: number, to: number): readonly EntryChange[] {
    return changesBetween(this.#state.entries.all, this.#history.records(), this.version(), [from, to])
  }

  /** Yields versions from now on, as they take effect. */
  applied(options: AppliedOptions = {}): AsyncIterableIterator<Version> {
    return appliedEvents(this.events, options)
  }

  /** Closes the history once no change is in progress. Later changes are rejected. */
  async close(): Promise<void> {
    await this.#queue.close(async () => this.#history[Symbol.dispose]())
  }

  async #carryOut(changes: readonly EntryChange[], { files, released, permit }: CarryOutOptions): Promise<number> {
    for (const change of changes) permit?.(change)
    if (changes.length === 0) return this.version()
    const known = this.#state.sound()
    const { entries } = this.#state
    const next = this.#state.entriesOf(changed(entries.all, changes))
    const { steps, inspected } = examine(entries, next, changes, known)
    const version = this.version() + 1
    const record = { version, time: Date.now(), changes }
    const prepared = await transact(this.#handlers.steps(steps, next), () => this.#history.append(record, files))
    for (const id of learn(known, inspected, changes)) this.env.forget(id)
    this.#state.become(version, next.all)
    this.#state.keepAnalysis(known)
    try {
      await (released === undefined ? settle(prepared) : Promise.race([settle(prepared), released()]))
    } finally {
      publish(this.events, record)
    }
    return version
  }

  /** Gives entries that equal those of the files their position in the files. */
  #relocate(files: EntryMap): void {
    this.#files = files
    this.#state.become(this.version(), located(this.#state.entries.all, files))
    this.#state.keepAnalysis()
  }
}
