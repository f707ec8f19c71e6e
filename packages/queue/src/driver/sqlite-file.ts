/** The file of jobs: an SQLite database that one application uses at a time. */
import { dirname } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import {
  adviceOnWriting,
  asTroupeError,
  ensurePrivateDatabase,
  holdFile,
  makePrivateFolder,
  TroupeError,
  unavailable,
} from '@troupe/core'
import { z } from 'zod'
import { LogSync } from './log-sync.ts'

/** Of the tables below. */
const version = 1
/** Of the log of changes, after it was written back to the file. */
const logBytes = 16 << 20

/**
 * With `full`, a change settles when it is on the disk. With `normal`, the system has it then, and the disk gets it
 * later: a program that is killed loses nothing, and a power cut loses the last changes.
 */
export type Synchronous = 'full' | 'normal'

// No other program is to write to it. One that does all the same holds up the kernel's thread only so long. After a
// large change, the log of changes is cut to its usual size. `LogSync` waits for the disk.
const settings = `
  PRAGMA busy_timeout = 250;
  PRAGMA journal_mode = WAL;
  PRAGMA journal_size_limit = ${logBytes};
  PRAGMA synchronous = NORMAL;
`
const tables = `
  CREATE TABLE IF NOT EXISTS queues (queue TEXT PRIMARY KEY, schema TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS jobs (
    seq INTEGER PRIMARY KEY,
    queue TEXT NOT NULL,
    id TEXT NOT NULL,
    state TEXT NOT NULL,
    priority INTEGER NOT NULL,
    key TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    published REAL NOT NULL,
    due REAL NOT NULL,
    receipt TEXT,
    lease REAL,
    until REAL,
    body BLOB NOT NULL,
    progress BLOB,
    result BLOB,
    errors TEXT NOT NULL DEFAULT '[]',
    UNIQUE (queue, id)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS waiting ON jobs (queue, priority DESC, seq) WHERE state = 'waiting';
  CREATE UNIQUE INDEX IF NOT EXISTS first_of_key ON jobs (queue, key) WHERE state = 'waiting' AND key IS NOT NULL;
  CREATE INDEX IF NOT EXISTS blocked ON jobs (queue, key, (attempts > 0) DESC, priority DESC, seq)
    WHERE state = 'blocked';
  CREATE INDEX IF NOT EXISTS delayed ON jobs (queue, due) WHERE state = 'delayed';
  CREATE INDEX IF NOT EXISTS leases ON jobs (queue, lease) WHERE state = 'running';
  CREATE INDEX IF NOT EXISTS running_keys ON jobs (queue, key) WHERE state = 'running' AND key IS NOT NULL;
  CREATE INDEX IF NOT EXISTS begun ON jobs (queue, key)
    WHERE attempts > 0 AND state <> 'done' AND state <> 'dead' AND key IS NOT NULL;
  CREATE INDEX IF NOT EXISTS kept ON jobs (queue, until) WHERE state = 'done';
  CREATE INDEX IF NOT EXISTS dead ON jobs (queue, seq) WHERE state = 'dead';
  PRAGMA user_version = ${version};
`
const versionRow = z.object({ user_version: z.number() })

/** An open file. */
export interface SqliteFile extends AsyncDisposable {
  readonly database: DatabaseSync
  readonly log: LogSync
}

/**
 * Opens the file, and creates it if need be.
 *
 * @throws TroupeError `Conflict` when another application has it open; `Unavailable` when it cannot be opened, or was
 *   written by a later version.
 */
export async function openSqliteFile(file: string, synchronous: Synchronous = 'full'): Promise<SqliteFile> {
  // Loaded here, because Node 24 prints a warning that it is experimental.
  const { DatabaseSync } = await import('node:sqlite')
  let hold: Disposable | undefined
  let database: DatabaseSync | undefined
  try {
    makePrivateFolder(dirname(file))
    hold = await holdFile(`${file}.lock`)
    if (hold === undefined)
      throw new TroupeError(
        'Conflict',
        `${file} is in use by another application: stop that one, or give this one a queue.path of its own`,
        { details: { file }, retryable: false },
      )
    ensurePrivateDatabase(file)
    const opened = new DatabaseSync(file)
    database = opened
    opened.exec(settings)
    const { user_version: found } = versionRow.parse(opened.prepare('PRAGMA user_version').get())
    if (found > version)
      throw unavailable(`${file} was written by a later version of Troupe: use that version, or another queue.path`, {
        file,
      })
    opened.exec(tables)
    const held = hold
    const log = new LogSync(file, synchronous === 'full')
    return {
      database: opened,
      log,
      [Symbol.asyncDispose]: async () => {
        await log[Symbol.asyncDispose]()
        opened.close()
        held[Symbol.dispose]()
      },
    }
  } catch (cause) {
    if (database?.isOpen === true) database.close()
    hold?.[Symbol.dispose]()
    const error = asTroupeError(cause)
    if (error.kind === 'Conflict' || error.kind === 'Unavailable') throw error
    const reason = `${error.message}${adviceOnWriting(cause, 'queue.path')}`
    throw new TroupeError('Unavailable', `${file} cannot be opened: ${reason}`, { cause, details: { file } })
  }
}
