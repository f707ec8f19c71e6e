/**
 * Stores versions in an SQLite database. One transaction writes a version, the state that it makes and the entries of
 * the files. Everything that is read back was therefore committed, however the program ended.
 */
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { ensurePrivateDatabase, type EntryId, holdFile, TroupeError } from '@troupe/core'
import { z } from 'zod'
import { changeBetween, differences, type EntryChange } from './change.ts'
import type { Entry, EntryMap } from '../entries/entry.ts'
import { defaultLimit, type History, type Kept, type VersionRecord } from './history.ts'
import { storedEntry } from './stored-entry.ts'

const tables = `
  PRAGMA busy_timeout = 5000;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  CREATE TABLE IF NOT EXISTS versions (
    version INTEGER PRIMARY KEY, time INTEGER NOT NULL, changes TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS entries (id TEXT PRIMARY KEY, entry TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS files (id TEXT PRIMARY KEY, entry TEXT NOT NULL) STRICT, WITHOUT ROWID;
`

const entryRows = z.array(z.object({ entry: z.string().transform((text) => storedEntry.parse(JSON.parse(text))) }))
const changeList = z.array(z.object({ before: storedEntry.optional(), after: storedEntry.optional() }))
const newestRow = z.object({ version: z.number().nullable() })
const versionRows = z.array(z.object({ version: z.number(), time: z.number(), changes: z.string() }))

/**
 * Opens the history in `file`. A missing file is created, readable only by its owner.
 *
 * @throws TroupeError `Unavailable` when the file cannot be opened, or is not such a database; `Conflict` when another
 *   application has it open: each would take its own versions for the only ones.
 */
export async function openSqliteHistory(file: string, limit: number = defaultLimit): Promise<History> {
  // Loaded here, because Node 24 prints a warning that it is experimental.
  const { DatabaseSync } = await import('node:sqlite')
  let hold: Disposable | undefined
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    hold = await holdFile(`${file}.lock`)
    if (hold === undefined) throw inUse(file)
    ensurePrivateDatabase(file)
    const database = new DatabaseSync(file)
    database.exec(tables)
    return new SqliteHistory(database, hold, limit)
  } catch (cause) {
    hold?.[Symbol.dispose]()
    if (cause instanceof TroupeError && cause.kind === 'Conflict') throw cause
    throw new TroupeError('Unavailable', `the history ${file} cannot be opened: ${String(cause)}`, {
      cause,
      details: { file },
    })
  }
}

function inUse(file: string): TroupeError {
  const message =
    `the history ${file} is in use by another application: stop ` +
    'that one, or give this one a registry.history_path of its own'
  return new TroupeError('Conflict', message, { details: { file }, retryable: false })
}

class SqliteHistory implements History {
  readonly #database: DatabaseSync
  readonly #hold: Disposable
  readonly #limit: number

  constructor(database: DatabaseSync, hold: Disposable, limit: number) {
    this.#database = database
    this.#hold = hold
    this.#limit = limit
  }

  kept(): Kept | undefined {
    const { version } = newestRow.parse(this.#database.prepare('SELECT max(version) AS version FROM versions').get())
    if (version === null) return undefined
    return { version, entries: this.#table('entries'), files: this.#table('files') }
  }

  records(): readonly VersionRecord[] {
    const rows = versionRows.parse(
      this.#database.prepare('SELECT version, time, changes FROM versions ORDER BY version').all(),
    )
    return rows.map(({ version, time, changes }) => ({
      version,
      time,
      changes: changeList.parse(JSON.parse(changes)).map(readChange),
    }))
  }

  append({ version, time, changes }: VersionRecord, files?: EntryMap): void {
    this.#atOnce(() => {
      const text = JSON.stringify(changes.map(({ before, after }) => ({ before, after })))
      this.#database.prepare('INSERT INTO versions (version, time, changes) VALUES (?, ?, ?)').run(version, time, text)
      this.#database.prepare('DELETE FROM versions WHERE version <= ?').run(version - this.#limit)
      for (const { id, after } of changes) this.#put('entries', id, after)
      if (files === undefined) return
      const before = this.#table('files')
      for (const { id, after } of differences(before, files)) this.#put('files', id, after)
    })
  }

  [Symbol.dispose](): void {
    this.#database.close()
    this.#hold[Symbol.dispose]()
  }

  #atOnce(write: () => void): void {
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      write()
      this.#database.exec('COMMIT')
    } catch (error) {
      this.#database.exec('ROLLBACK')
      throw error
    }
  }

  #put(table: 'entries' | 'files', id: EntryId, entry: Entry | undefined): void {
    if (entry === undefined) this.#database.prepare(`DELETE FROM ${table} WHERE id = ?`).run(id)
    else
      this.#database.prepare(`INSERT OR REPLACE INTO ${table} (id, entry) VALUES (?, ?)`).run(id, JSON.stringify(entry))
  }

  #table(table: 'entries' | 'files'): EntryMap {
    const rows = entryRows.parse(this.#database.prepare(`SELECT entry FROM ${table}`).all())
    return new Map(rows.map(({ entry }) => [entry.id, entry]))
  }
}

function readChange({ before, after }: z.output<typeof changeList>[number]): EntryChange {
  const id = (after ?? before)?.id
  const read = id && changeBetween(id, before, after)
  if (read) return read
  throw new TroupeError('Internal', 'the history contains a change without an entry before and after it')
}
