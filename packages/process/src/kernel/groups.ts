/** Groups of processes, by name. A process leaves all its groups when it ends. */
import { type Pid, TroupeError } from '@troupe/core'

/** Groups of one process. */
const maxGroups = 4096

/** The error for a process that has as many of something as one process may. */
export function tooMany(pid: Pid, what: string, max: number): TroupeError {
  return new TroupeError('RateLimited', `${pid} has ${max} ${what}, as many as a process may`, {
    details: { pid, max },
  })
}

export class Groups {
  readonly #members = new Map<string, Set<Pid>>()
  readonly #groupsOf = new Map<Pid, Set<string>>()

  /** Does nothing when it is already a member. @throws TroupeError `RateLimited` when the process is in too many. */
  join(group: string, pid: Pid): void {
    const joined = this.#groupsOf.get(pid)
    if (joined !== undefined && joined.size >= maxGroups && !joined.has(group)) throw tooMany(pid, 'groups', maxGroups)
    add(this.#members, group, pid)
    add(this.#groupsOf, pid, group)
  }

  /** Does nothing when it is not a member. */
  leave(group: string, pid: Pid): void {
    remove(this.#members, group, pid)
    remove(this.#groupsOf, pid, group)
  }

  /** In the order in which they joined. */
  members(group: string): readonly Pid[] {
    return [...(this.#members.get(group) ?? [])]
  }

  /** Removes a process from all its groups. */
  processEnded(pid: Pid): void {
    for (const group of this.#groupsOf.get(pid) ?? []) remove(this.#members, group, pid)
    this.#groupsOf.delete(pid)
  }
}

function add<Key, Value>(sets: Map<Key, Set<Value>>, key: Key, value: Value): void {
  const known = sets.get(key)
  if (known === undefined) sets.set(key, new Set([value]))
  else known.add(value)
}

function remove<Key, Value>(sets: Map<Key, Set<Value>>, key: Key, value: Value): void {
  const known = sets.get(key)
  if (known?.delete(value) === true && known.size === 0) sets.delete(key)
}
