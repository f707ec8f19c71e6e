/** Entries that Troupe adds to a running application for its program, in the reserved namespace, and removes again. */
import type { EntryId } from '@troupe/core'
import type { WrittenEntry } from '@troupe/registry'
import type { Application } from '../application.ts'
import { reservedId } from './names.ts'
import { parse } from 'node:path'

/** An entry, until it is released. */
export interface Lease {
  readonly id: EntryId
  /** Removes the entry when its last user has released it. */
  readonly release: () => Promise<void>
}

interface Kept {
  readonly id: EntryId
  readonly made: Promise<unknown>
  users: number
}

/** The application of the entries. */
type Owner = Pick<Application, 'registry' | 'runHere'>

const known = new WeakMap<Owner, OwnEntries>()

/** Returns the entries that were added to an application. */
export function ownEntriesOf(application: Owner): OwnEntries {
  const found = known.get(application) ?? new OwnEntries(application)
  known.set(application, found)
  return found
}

/** Adds entries, and removes them with their last users. */
export class OwnEntries {
  readonly #owner: Owner
  readonly #kept = new Map<string, Kept>()
  #number = 0

  constructor(owner: Owner) {
    this.#owner = owner
  }

  /** Runs `fn` in their application. */
  run<T>(fn: () => T): T {
    return this.#owner.runHere(fn)
  }

  /**
   * Adds an entry, or shares the one with the same kind and fields.
   *
   * @throws TroupeError `Invalid` with what is wrong in the entry.
   */
  async acquire({ kind, ...fields }: Omit<WrittenEntry, 'id'> & { readonly kind: string }): Promise<Lease> {
    const key = JSON.stringify([kind, fields])
    const kept = this.#kept.get(key) ?? this.#add(key, { kind, ...fields })
    kept.users += 1
    let held = true
    const release = async () => {
      if (!held) return
      held = false
      kept.users -= 1
      if (kept.users === 0) await this.#remove(key, kept)
    }
    try {
      await kept.made
    } catch (error) {
      if (this.#kept.get(key) === kept) this.#kept.delete(key)
      throw error
    }
    return { id: kept.id, release }
  }

  #add(key: string, fields: Omit<WrittenEntry, 'id'> & { readonly kind: string }): Kept {
    this.#number += 1
    const id = reservedId(`${moduleName(fields)}_${this.#number}`)
    const made = this.#owner.registry.apply([{ op: 'create', entry: { ...fields, id } }])
    const kept = { id, made, users: 0 }
    this.#kept.set(key, kept)
    return kept
  }

  async #remove(key: string, { id }: Kept): Promise<void> {
    this.#kept.delete(key)
    await this.#owner.registry.apply([{ op: 'delete', entry: { id } }])
  }
}

/** Errors and logs name the entry: its name is that of the module. */
function moduleName({ source, meta }: Omit<WrittenEntry, 'id'>): string {
  const { module = source } = typeof meta === 'object' && meta !== null && 'module' in meta ? meta : {}
  const { name } = parse(String(module))
  // A name does not begin with a digit.
  return name.replaceAll(/\W/g, '_').replace(/^(?!\D)/, '_')
}
