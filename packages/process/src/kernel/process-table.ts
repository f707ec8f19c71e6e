/** The living processes and calls, the frames that the kernel issued to them, and their names. */
import {
  denied,
  forgetOldest,
  type EntryId,
  type Frame,
  notFound,
  type Pid,
  threadOf,
  TroupeError,
  invalid,
  isPid,
} from '@troupe/core'
import type { Host } from '../host/host.ts'
import type { Accepts, WireExit } from '../protocol/programs.ts'
import type { Role } from '../protocol/requests.ts'
import { Groups, tooMany } from './groups.ts'

/** The kernel's record of a process or a call. */
export interface ProcessRecord {
  readonly pid: Pid
  readonly entry: EntryId | undefined
  readonly frame: Frame
  readonly host: Host | undefined
  readonly onExit: ((exit: WireExit) => void) | undefined
  /** Runs as a program of the shell: ending through `process.exit` is not a failure. */
  readonly isCommand?: boolean | undefined
  /** Of a process: from which other networks it accepts messages. @default according to its entry */
  readonly accepts?: Accepts | undefined
  /** The process or call that spawned or called it. */
  readonly by?: Pid | undefined
  /** The role in which the kernel started it. @default a process */
  readonly role?: Role | undefined
}

/** Names of one process. */
const maxNames = 4096
/** Number of ended processes whose name is remembered: messages to them can be sent to their successors. */
const mostRemembered = 4096

export class ProcessTable {
  readonly #onAdd: (record: ProcessRecord) => void
  readonly #onRemove: (pid: Pid) => void
  readonly #exiting = new Set<Pid>()
  readonly #hear: (thread: number) => void
  readonly groups = new Groups()
  readonly #records = new Map<Pid, ProcessRecord>()
  readonly #names = new Map<string, Pid>()
  readonly #upgradable = new Set<Pid>()
  readonly #namesOf = new Map<Pid, Set<string>>()
  readonly #lastNames = new Map<Pid, string>()

  get size(): number {
    return this.#records.size
  }

  all(): IterableIterator<ProcessRecord> {
    return this.#records.values()
  }

  get(pid: Pid): ProcessRecord | undefined {
    return this.#records.get(pid)
  }

  /**
   * Returns the kernel's record of the caller. `by` is what the thread claims.
   *
   * @throws TroupeError `PermissionDenied` when no such process lives in that thread.
   */
  claimant(by: Pid, thread: number): ProcessRecord {
    const record = this.#records.get(by)
    if (record !== undefined && threadOf(by) === thread) return record
    throw denied(`thread ${thread} asks for ${by}, which does not live in it`, { pid: by })
  }

  /**
   * @param onAdd Called for each new process and call, before anything else is notified.
   * @param onRemove Called when one ends.
   * @param hear Processes what a thread has posted already. Each thread has its own port, and a thread's message about
   * its process must not be handled after another thread's message that was caused by it.
   */
  constructor(
    onAdd: (record: ProcessRecord) => void = () => undefined,
    onRemove: (pid: Pid) => void = () => undefined,
    hear: (thread: number) => void = () => undefined,
  ) {
    this.#onAdd = onAdd
    this.#onRemove = onRemove
    this.#hear = hear
  }

  /** Whether a process loads new code by itself. */
  isUpgradable(pid: Pid): boolean {
    return this.#upgradable.has(pid)
  }

  setUpgradable(pid: Pid, on: boolean): void {
    if (on && this.#records.has(pid)) this.#upgradable.add(pid)
    else this.#upgradable.delete(pid)
  }

  add(record: ProcessRecord): void {
    this.#onAdd(record)
    this.#records.set(record.pid, record)
  }

  /** From now on the process runs another entry. */
  upgrade(record: ProcessRecord, entry: EntryId): void {
    if (this.#records.get(record.pid) === record) this.#records.set(record.pid, { ...record, entry })
  }

  /** Removes a process, with its names and groups. */
  remove(pid: Pid): ProcessRecord | undefined {
    const record = this.#records.get(pid)
    this.#records.delete(pid)
    this.#upgradable.delete(pid)
    this.#exiting.delete(pid)
    this.#releaseNames(pid)
    this.#onRemove(pid)
    return record
  }

  /** A process is ending: its names and groups are released before anything is notified of its end. */
  exiting(pid: Pid): void {
    if (!this.#records.has(pid)) return
    this.#exiting.add(pid)
    this.#releaseNames(pid)
  }

  /** Whether a started process is ending or has ended. */
  isExiting(pid: Pid): boolean {
    this.#hear(threadOf(pid))
    return this.#exiting.has(pid) || !this.#records.has(pid)
  }

  #releaseNames(pid: Pid): void {
    const names = this.#namesOf.get(pid)
    for (const name of names ?? []) this.#names.delete(name)
    const [first] = names ?? []
    if (first !== undefined) {
      this.#lastNames.set(pid, first)
      forgetOldest(this.#lastNames, mostRemembered)
    }
    this.#namesOf.delete(pid)
    this.groups.processEnded(pid)
  }

  /**
   * @throws TroupeError `NotFound` for a process that does not exist; `AlreadyExists` when another process has the
   *   name; `RateLimited` when the process has too many.
   */
  register(name: string, pid: Pid): void {
    if (!this.#records.has(pid)) throw notFound(`process ${pid} does not exist`, { pid })
    this.checkFree(name, pid)
    const names = this.#namesOf.get(pid)
    if (names !== undefined && names.size >= maxNames && !names.has(name)) throw tooMany(pid, 'names', maxNames)
    this.#names.set(name, pid)
    if (names === undefined) this.#namesOf.set(pid, new Set([name]))
    else names.add(name)
  }

  /**
   * @throws TroupeError `AlreadyExists` when another process than `pid` has the name; `Invalid` for an invalid name.
   */
  checkFree(name: string, pid?: Pid): void {
    if (name === '' || isPid(name))
      throw invalid(`"${name}" is not a valid process name: it is empty, or has the form of a pid`, { name })
    const owner = this.lookup(name)
    if (owner === undefined || owner === pid) return
    throw new TroupeError('AlreadyExists', `process ${owner} has the name "${name}" already`, {
      details: { name, pid: owner },
    })
  }

  lookup(name: string): Pid | undefined {
    const owner = this.#names.get(name)
    if (owner !== undefined) this.#hear(threadOf(owner))
    return this.#names.get(name)
  }

  /** The members of a group, in the order in which they joined. */
  members(group: string): readonly Pid[] {
    for (const thread of new Set(this.groups.members(group).map(threadOf))) this.#hear(thread)
    return this.groups.members(group)
  }

  /** A record, and those on whose behalf it acts, as far as they are still alive. */
  *ancestry(record: ProcessRecord): Iterable<ProcessRecord> {
    for (let next: ProcessRecord | undefined = record; next !== undefined; next = next.by && this.#records.get(next.by))
      yield next
  }

  namesOf(pid: Pid): readonly string[] {
    return [...(this.#namesOf.get(pid) ?? [])]
  }

  /** The first name of a process, also of one that has ended recently. */
  nameOf(pid: Pid): string | undefined {
    const [first] = this.#namesOf.get(pid) ?? []
    return first ?? this.#lastNames.get(pid)
  }

  unregister(name: string): void {
    const owner = this.#names.get(name)
    this.#names.delete(name)
    if (owner !== undefined) this.#namesOf.get(owner)?.delete(name)
  }
}
