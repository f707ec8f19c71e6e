/** The file of durable messages and schedules: an SQLite database, which is opened when it is first needed. */
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { deserialize, serialize } from 'node:v8'
import {
  type Actor,
  adviceOnWriting,
  asTroupeError,
  ensurePrivateDatabase,
  type EntryId,
  holdFile,
  isEntryId,
  isPid,
  makePrivateFolder,
  type Pid,
  TroupeError,
  unavailable,
} from '@troupe/core'
import { z } from 'zod'

const tables = `
  PRAGMA busy_timeout = 5000;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS messages (id TEXT PRIMARY KEY, message BLOB NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS schedules (id TEXT PRIMARY KEY, next REAL NOT NULL) STRICT, WITHOUT ROWID;
`

/** A message as it is kept. */
export interface StoredMessage {
  readonly id: string
  /** The actor of code under policies, otherwise the sender. */
  readonly owner: string
  /** Milliseconds since 1970. */
  readonly at: number
  readonly to: string
  readonly topic: string
  readonly payload: unknown
  readonly from: Pid
  readonly actor: Actor | undefined
  readonly scope: readonly EntryId[] | undefined
  readonly values: Readonly<Record<string, unknown>>
  /** The sender's network. */
  readonly overlay: EntryId | null
  /** Whether the program around the application sent it, which policies do not govern. */
  readonly isProgram: boolean
}

interface StoredMessages {
  readonly messages: readonly StoredMessage[]
  /** Those that are damaged. They stay in the file. */
  readonly unreadable: readonly { readonly id: string; readonly reason: string }[]
}

const entryId = z.custom<EntryId>((value) => typeof value === 'string' && isEntryId(value))
const stored = z.object({
  id: z.string(),
  owner: z.string(),
  at: z.number(),
  to: z.string(),
  topic: z.string(),
  payload: z.unknown(),
  from: z.custom<Pid>((value) => typeof value === 'string' && isPid(value)),
  actor: z.custom<Actor>((value) => typeof value === 'object' && value !== null).optional(),
  scope: z.array(entryId).optional(),
  values: z.record(z.string(), z.unknown()),
  overlay: entryId.nullable(),
  isProgram: z.boolean(),
})
const messageRows = z.array(z.object({ id: z.string(), message: z.instanceof(Uint8Array) }))
const scheduleRow = z.object({ next: z.number() }).optional()

export class LaterStore implements Disposable {
  readonly #file: string
  #opening: Promise<DatabaseSync> | undefined
  #database: DatabaseSync | undefined
  #hold: Disposable | undefined

  constructor(file: string) {
    this.#file = file
  }

  /** The messages that are kept. @throws TroupeError `Conflict`, `Unavailable` when the file cannot be opened. */
  async all(): Promise<StoredMessages> {
    const messages: StoredMessage[] = []
    const unreadable: { id: string; reason: string }[] = []
    if (!existsSync(this.#file)) return { messages, unreadable }
    const database = await this.#open()
    for (const { id, message } of messageRows.parse(database.prepare('SELECT id, message FROM messages').all())) {
      try {
        const { actor, scope, ...rest } = stored.parse(deserialize(message))
        messages.push({ ...rest, actor, scope })
      } catch (error) {
        unreadable.push({ id, reason: asTroupeError(error).message })
      }
    }
    return { messages, unreadable }
  }

  /** @throws TroupeError `Conflict`, `Unavailable` when the file cannot be opened. */
  async open(): Promise<void> {
    await this.#open()
  }

  /** Whether a message is kept, also one that is not read yet, or is damaged. Call {@link open} first. */
  has(id: string): boolean {
    return this.#database?.prepare('SELECT 1 FROM messages WHERE id = ?').get(id) !== undefined
  }

  /** Keeps a message. Call {@link open} first. @throws TroupeError `Unavailable` when the file cannot be written. */
  add(message: StoredMessage): void {
    const bytes = serialize(message)
    this.#write(() =>
      this.#database?.prepare('INSERT INTO messages (id, message) VALUES (?, ?)').run(message.id, bytes),
    )
  }

  /** @throws TroupeError `Unavailable` when the file cannot be written. */
  remove(id: string): void {
    this.#write(() => this.#database?.prepare('DELETE FROM messages WHERE id = ?').run(id))
  }

  #write(change: () => unknown): void {
    try {
      change()
    } catch (cause) {
      const file = this.#file
      throw unavailable(`${file} cannot be written: ${asTroupeError(cause).message}`, { file })
    }
  }

  /** When a schedule was to run next; `undefined` for one that is not kept. Milliseconds since 1970. */
  async nextRun(schedule: string): Promise<number | undefined> {
    const database = await this.#open()
    return scheduleRow.parse(database.prepare('SELECT next FROM schedules WHERE id = ?').get(schedule))?.next
  }

  setNextRun(schedule: string, next: number): void {
    this.#database?.prepare('INSERT OR REPLACE INTO schedules (id, next) VALUES (?, ?)').run(schedule, next)
  }

  #open(): Promise<DatabaseSync> {
    this.#opening ??= this.#opened()
    this.#opening.catch(() => {
      this.#opening = undefined
    })
    return this.#opening
  }

  async #opened(): Promise<DatabaseSync> {
    // Loaded here, because Node 24 prints a warning that it is experimental.
    const { DatabaseSync } = await import('node:sqlite')
    const file = this.#file
    try {
      makePrivateFolder(dirname(file))
      this.#hold = await holdFile(`${file}.lock`)
      if (this.#hold === undefined)
        throw new TroupeError(
          'Conflict',
          `${file} is in use by another application: stop that one, or give this one a process.later_path of its own`,
          { details: { file }, retryable: false },
        )
      ensurePrivateDatabase(file)
      const database = new DatabaseSync(file)
      database.exec(tables)
      this.#database = database
      return database
    } catch (cause) {
      this.#hold?.[Symbol.dispose]()
      this.#hold = undefined
      const error = asTroupeError(cause)
      if (error.kind === 'Conflict') throw error
      const reason = `${error.message}${adviceOnWriting(cause, 'process.later_path')}`
      throw new TroupeError('Unavailable', `${file} cannot be opened: ${reason}`, { cause, details: { file } })
    }
  }

  [Symbol.dispose](): void {
    this.#database?.close()
    this.#database = undefined
    this.#hold?.[Symbol.dispose]()
  }
}
