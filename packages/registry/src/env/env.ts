/** Variables: `env.variable` entries over storages, then the environment of the operating system. */
import { resolve } from 'node:path'
import { type EntryId, isEntryId, isSecretName, nameOf, namespaceOf, TroupeError } from '@troupe/core'
import { type DecodedAs, decodeEntry } from '../schema/decode.ts'
import { type Entry, kindMatches } from '../entries/entry.ts'
import { fileStorage, memoryStorage, osStorage, routerStorage, staticStorage, variable } from './kinds.ts'
import { type EnvStorage, fileEnv, memoryEnv, osEnv, osPlace, routerEnv, staticEnv } from './storage.ts'
import type { Kind } from '../schema/kind.ts'
import { diagnosticsError } from '../schema/diagnostic.ts'

const os = osEnv()

/** State that outlives a change of the entries. */
interface Kept {
  /** By entry, created at the first use. */
  readonly storages: WeakMap<Entry, EnvStorage>
  /** The contents of memory storages, by id: they are kept when the entry is updated. */
  readonly memory: Map<EntryId, Map<string, string>>
  /** Values of secret variables that were read so far. */
  readonly secrets: Set<string>
}

/**
 * The variables of an application. A name is resolved in this order: the `env.variable` with that id; an `env.variable`
 * with that `variable` or entry name, first in the requesting entry's namespace; a variable of the operating system.
 *
 * Placeholders inside `env.*` entries see only the operating system, so that variables cannot depend on each other.
 */
export class Env {
  readonly #entries: () => ReadonlyMap<EntryId, Entry>
  readonly #root: string
  readonly #kept: Kept
  #places:
    | { readonly of: ReadonlyMap<EntryId, Entry>; readonly names: ReadonlyMap<string, ReadonlySet<string>> }
    | undefined
  #names:
    | { readonly of: ReadonlyMap<EntryId, Entry>; readonly entries: ReadonlyMap<string, readonly Entry[]> }
    | undefined

  /** @param root - The folder to which files of variables are relative. */
  constructor(entries: () => ReadonlyMap<EntryId, Entry>, root: string, kept?: Kept) {
    this.#entries = entries
    this.#root = root
    this.#kept = kept ?? { storages: new WeakMap(), memory: new Map(), secrets: new Set() }
  }

  /** Returns the same variables, as `entries` define them. */
  at(entries: ReadonlyMap<EntryId, Entry>): Env {
    return new Env(() => entries, this.#root, this.#kept)
  }

  /**
   * Values that must not show: of variables that are marked `secret` or have the name of a secret, and that were read
   * so far.
   */
  get secrets(): ReadonlySet<string> {
    return this.#kept.secrets
  }

  /** Drops the contents of a memory storage after its entry was deleted. */
  forget(id: EntryId): void {
    this.#kept.memory.delete(id)
  }

  /**
   * Returns the value of a variable; `undefined` when it is not set and has no default.
   *
   * @throws TroupeError `Conflict` when the name is ambiguous; `Invalid` or `NotFound` when its entry or storage is
   *   wrong.
   */
  get(name: string, namespace?: string): string | undefined {
    const entry = this.#variable(name, namespace)
    if (!entry) return this.#noted(os.get(name), isSecretName(name))
    const { fields } = this.#decode(entry, variable)
    const key = fields.variable ?? nameOf(entry.id)
    return this.#noted(this.#storage(fields.storage).get(key) ?? fields.default, fields.secret || isSecretName(key))
  }

  /**
   * Reads all variables that are marked `secret`, so that their values are redacted even if code reads them in another
   * way.
   */
  readSecrets(): void {
    for (const entry of this.#entries().values()) {
      if (entry.kind !== variable.kind || entry.fields['secret'] !== true) continue
      try {
        this.get(entry.id)
      } catch {
        // The check of the entry reports the problem.
      }
    }
  }

  #noted(value: string | undefined, isSecret: boolean): string | undefined {
    if (isSecret && value !== undefined && value !== '') this.#kept.secrets.add(value)
    return value
  }

  /**
   * Sets a variable in its storage.
   *
   * @throws TroupeError `NotFound` when no `env.variable` has the name; `PermissionDenied` when it or its storage is
   *   read-only.
   */
  set(name: string, value: string, namespace?: string): void {
    const entry = this.#variable(name, namespace)
    if (!entry) throw new TroupeError('NotFound', `no env.variable has the name ${name}`, { details: { name } })
    const { fields } = this.#decode(entry, variable)
    if (fields.secret) this.#noted(value, true)
    if (fields.readOnly)
      throw new TroupeError('PermissionDenied', `the variable ${name} is read-only`, { details: { name } })
    this.#storage(fields.storage).set(fields.variable ?? nameOf(entry.id), value)
  }

  /**
   * Returns all names of the variable `name`, for policy decisions: ids, names in storages and of entries, and those of
   * other variables that are kept in the same place. The first is its main name: its id, if an entry defines it.
   */
  namesOf(name: string): readonly [string, ...string[]] {
    const own = isEntryId(name)
      ? [this.#entries().get(name)].filter((entry) => entry?.kind === variable.kind)
      : this.#named().get(name)
    const meant = (own ?? []).flatMap((entry) => entry ?? [])
    const places = meant.length === 0 ? [osPlace(name)] : meant.flatMap((entry) => this.#placesOf(entry))
    const [first] = meant
    const names = new Set([meant.length === 1 && first !== undefined ? first.id : name, name])
    for (const place of places) for (const other of this.#byPlace().get(place) ?? []) names.add(other)
    for (const entry of meant) for (const each of namesIn(entry)) names.add(each)
    const [canonical = name, ...others] = names
    return [canonical, ...others]
  }

  /** Returns the value of a variable as a placeholder in `asker` sees it. */
  lookup(name: string, namespace: string, requester: Entry): string | undefined {
    return kindMatches(requester.kind, 'env.*') ? os.get(name) : this.get(name, namespace)
  }

  #variable(name: string, namespace: string | undefined): Entry | undefined {
    if (isEntryId(name)) {
      const entry = this.#entries().get(name)
      return entry?.kind === variable.kind ? entry : undefined
    }
    const candidates = this.#named().get(name) ?? []
    const near = candidates.filter((entry) => namespaceOf(entry.id) === namespace)
    const meant = near.length > 0 ? near : candidates
    if (meant.length > 1) {
      const ids = meant.map((entry) => entry.id)
      throw new TroupeError('Conflict', `the name ${name} could mean ${ids.join(' or ')}: write the id`, {
        details: { name, ids },
      })
    }
    return meant[0]
  }

  /** Variables by their name in the storage and by the name of their entry; rebuilt when the entries change. */
  #named(): ReadonlyMap<string, readonly Entry[]> {
    const of = this.#entries()
    if (this.#names?.of === of) return this.#names.entries
    const entries = new Map<string, Entry[]>()
    for (const entry of of.values()) {
      if (entry.kind !== variable.kind) continue
      for (const name of namesIn(entry).slice(1)) entries.set(name, [...(entries.get(name) ?? []), entry])
    }
    this.#names = { of, entries }
    return entries
  }

  /** Names of variables by the places where they are kept; rebuilt when the entries change. */
  #byPlace(): ReadonlyMap<string, ReadonlySet<string>> {
    const of = this.#entries()
    if (this.#places?.of === of) return this.#places.names
    const names = new Map<string, Set<string>>()
    const add = (place: string, more: Iterable<string>) =>
      names.set(place, new Set([...(names.get(place) ?? []), ...more]))
    for (const entry of of.values()) {
      if (entry.kind !== variable.kind) continue
      for (const place of this.#placesOf(entry)) {
        add(place, namesIn(entry))
        const [kind, os, ...rest] = place.split('\0')
        if (kind === 'os' && os !== undefined && rest.length === 0) add(place, [os])
      }
    }
    this.#places = { of, names }
    return names
  }

  #placesOf(entry: Entry): readonly string[] {
    try {
      const { fields } = this.#decode(entry, variable)
      return this.#storage(fields.storage).places(fields.variable ?? nameOf(entry.id))
    } catch {
      // It cannot be read either.
      return []
    }
  }

  #storage(id: EntryId, way: readonly EntryId[] = []): EnvStorage {
    const entry = this.#entries().get(id)
    if (!entry) throw new TroupeError('NotFound', `there is no storage ${id}`, { details: { id } })
    if (way.includes(id)) throw new TroupeError('Invalid', `storages lead in a circle: ${[...way, id].join(' → ')}`)
    const known = this.#kept.storages.get(entry)
    if (known) return known
    const storage = this.#build(entry, [...way, id])
    // A router holds the storages of other entries, which may be replaced.
    if (entry.kind !== routerStorage.kind) this.#kept.storages.set(entry, storage)
    return storage
  }

  #build(entry: Entry, way: readonly EntryId[]): EnvStorage {
    switch (entry.kind) {
      case osStorage.kind:
        return osEnv(this.#decode(entry, osStorage).fields.prefix)
      case fileStorage.kind:
        return fileEnv(resolve(this.#root, this.#decode(entry, fileStorage).fields.path))
      case memoryStorage.kind:
        return memoryEnv(this.#memory(entry.id), entry.id)
      case staticStorage.kind:
        return staticEnv(this.#decode(entry, staticStorage).fields.values, entry.id)
      case routerStorage.kind:
        return routerEnv(
          this.#decode(entry, routerStorage).fields.storages.map((storage) => this.#storage(storage, way)),
        )
      default:
        throw new TroupeError('Invalid', `${entry.id} is a ${entry.kind}, not a storage of variables`, {
          details: { id: entry.id },
        })
    }
  }

  #memory(id: EntryId): Map<string, string> {
    const known = this.#kept.memory.get(id) ?? new Map<string, string>()
    this.#kept.memory.set(id, known)
    return known
  }

  #decode<K extends Kind>(entry: Entry, kind: K): DecodedAs<K> {
    const { decoded, problems } = decodeEntry(kind, entry, { folder: this.#root, variable: (name) => os.get(name) })
    if (decoded) return decoded
    throw diagnosticsError(problems)
  }
}

/** The names of a variable, its id first. */
function namesIn({ id, fields }: Entry): readonly string[] {
  const { variable: name } = fields
  return [...new Set([id, ...(typeof name === 'string' ? [name] : []), nameOf(id)])]
}
