/** Tokens in an SQLite database that only its owner can read. */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { ensurePrivateDatabase, type EntryId, forgetOldest, isEntryId, sleep, TroupeError } from '@troupe/core'
import { z } from 'zod'
import type { StoredToken, TokenStorage } from './storage.ts'

/** Milliseconds that an operation waits for other programs that use the file. */
const busyTimeout = 5000
/** `SQLITE_BUSY` */
const busy = 5
/** Milliseconds between two attempts. */
const retryAfter = 20

const tables = `
  PRAGMA busy_timeout = ${busyTimeout};
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS tokens (
    store TEXT NOT NULL, id TEXT NOT NULL, hash BLOB NOT NULL,
    actor TEXT NOT NULL, rest TEXT NOT NULL, expires INTEGER NOT NULL,
    PRIMARY KEY (store, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS tokens_of ON tokens (store, actor);
  CREATE INDEX IF NOT EXISTS tokens_until ON tokens (store, expires);
`

const facts = z.record(z.string(), z.unknown())
const rest = z.object({
  actorMeta: facts,
  policies: z.array(z.custom<EntryId>((value) => typeof value === 'string' && isEntryId(value))),
  groups: z.array(z.string()),
  meta: facts,
})
const row = z.object({
  id: z.string(),
  hash: z.instanceof(Uint8Array),
  actor: z.string(),
  rest: z.string().transform((text) => rest.parse(JSON.parse(text))),
  expires: z.number(),
})
const idRows = z.array(z.object({ id: z.string() }))
const countRow = z.object({ count: z.number() })

/** Tokens that are kept as read, until any program changes the file. */
const maxRead = 10_000

/**
 * Opens the tokens of `store` in `file`, and creates the file when it is missing. Other stores may share the same file.
 *
 * @throws TroupeError `Unavailable` when it cannot be opened, or is another kind of file.
 */
export async function openSqliteTokens(file: string, store: string): Promise<TokenStorage> {
  // Loaded here, because Node 24 prints a warning that it is experimental.
  const { DatabaseSync } = await import('node:sqlite')
  try {
    ensurePrivateDatabase(file)
    const database = new DatabaseSync(file)
    await createTables(database)
    return new SqliteTokens(database, store)
  } catch (cause) {
    throw new TroupeError('Unavailable', `the tokens ${file} cannot be opened: ${String(cause)}`, {
      cause,
      details: { file },
    })
  }
}

/** SQLite does not wait when another program changes the same new file to its write-ahead log: it refuses at once. */
async function createTables(database: DatabaseSync): Promise<void> {
  const until = performance.now() + busyTimeout
  for (;;) {
    try {
      database.exec(tables)
      return
    } catch (error) {
      const isBusy = error instanceof Error && 'errcode' in error && error.errcode === busy
      if (!isBusy || performance.now() > until) throw error
    }
    await sleep(retryAfter)
  }
}

class SqliteTokens implements TokenStorage {
  readonly #database: DatabaseSync
  readonly #store: string
  readonly #find: StatementSync
  /** Its value changes when another connection has changed the file. */
  readonly #version: StatementSync
  readonly #read = new Map<string, StoredToken>()
  #readAt: unknown

  constructor(database: DatabaseSync, store: string) {
    this.#database = database
    this.#store = store
    this.#find = database.prepare('SELECT id, hash, actor, rest, expires FROM tokens WHERE store = ? AND id = ?')
    this.#version = database.prepare('PRAGMA data_version')
  }

  get size(): number {
    return countRow.parse(
      this.#database.prepare('SELECT count(*) AS count FROM tokens WHERE store = ?').get(this.#store),
    ).count
  }

  put({ id, hash, actor, policies, groups, meta, expires }: StoredToken): void {
    this.#read.delete(id)
    const text = JSON.stringify({ actorMeta: actor.meta, policies, groups, meta })
    this.#database
      .prepare('INSERT OR REPLACE INTO tokens (store, id, hash, actor, rest, expires) VALUES (?, ?, ?, ?, ?, ?)')
      .run(this.#store, id, hash, actor.id, text, expires)
  }

  get(id: string): StoredToken | undefined {
    const version = this.#version.get()?.['data_version']
    if (version !== this.#readAt) this.#read.clear()
    this.#readAt = version
    const known = this.#read.get(id)
    if (known !== undefined) return known
    const found = this.#find.get(this.#store, id)
    if (found === undefined) return undefined
    const { hash, actor, rest: more, expires } = row.parse(found)
    const { actorMeta, policies, groups, meta } = more
    const token = { id, hash, actor: { id: actor, meta: actorMeta }, policies, groups, meta, expires }
    this.#read.set(id, token)
    forgetOldest(this.#read, maxRead)
    return token
  }

  remove(id: string): boolean {
    this.#read.delete(id)
    return this.#database.prepare('DELETE FROM tokens WHERE store = ? AND id = ?').run(this.#store, id).changes > 0
  }

  of(actor: string): readonly string[] {
    return idRows
      .parse(this.#database.prepare('SELECT id FROM tokens WHERE store = ? AND actor = ?').all(this.#store, actor))
      .map(({ id }) => id)
  }

  sweep(now: number): void {
    this.#read.clear()
    this.#database.prepare('DELETE FROM tokens WHERE store = ? AND expires <= ?').run(this.#store, now)
  }

  [Symbol.dispose](): void {
    this.#database.close()
  }
}
