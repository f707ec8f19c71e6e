/** Tokens in an SQLite database that only its owner can read. */
import type { DatabaseSync } from 'node:sqlite'
import { ensurePrivateDatabase, type EntryId, isEntryId, TroupeError } from '@troupe/core'
import { z } from 'zod'
import type { StoredToken, TokenStorage } from './storage.ts'

const tables = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA busy_timeout = 5000;
  CREATE TABLE IF NOT EXISTS tokens (
    store TEXT NOT NULL, id TEXT NOT NULL, hash BLOB NOT NULL, actor TEXT NOT NULL, rest TEXT NOT NULL, expires INTEGER NOT NULL,
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
    database.exec(tables)
    return new SqliteTokens(database, store)
  } catch (cause) {
    throw new TroupeError('Unavailable', `the tokens ${file} can not be opened: ${String(cause)}`, { cause, details: { file } })
  }
}

class SqliteTokens implements TokenStorage {
  readonly #database: DatabaseSync
  readonly #store: string

  constructor(database: DatabaseSync, store: string) {
    this.#database = database
    this.#store = store
  }

  get size(): number {
    return countRow.parse(this.#database.prepare('SELECT count(*) AS count FROM tokens WHERE store = ?').get(this.#store)).count
  }

  put({ id, hash, actor, policies, groups, meta, expires }: StoredToken): void {
    const text = JSON.stringify({ actorMeta: actor.meta, policies, groups, meta })
    this.#database
      .prepare('INSERT OR REPLACE INTO tokens (store, id, hash, actor, rest, expires) VALUES (?, ?, ?, ?, ?, ?)')
      .run(this.#store, id, hash, actor.id, text, expires)
  }

  get(id: string): StoredToken | undefined {
    const found = this.#database
      .prepare('SELECT id, hash, actor, rest, expires FROM tokens WHERE store = ? AND id = ?')
      .get(this.#store, id)
    if (found === undefined) return undefined
    const { hash, actor, rest: more, expires } = row.parse(found)
    const { actorMeta, policies, groups, meta } = more
    return { id, hash, actor: { id: actor, meta: actorMeta }, policies, groups, meta, expires }
  }

  remove(id: string): boolean {
    return this.#database.prepare('DELETE FROM tokens WHERE store = ? AND id = ?').run(this.#store, id).changes > 0
  }

  of(actor: string): readonly string[] {
    return idRows
      .parse(this.#database.prepare('SELECT id FROM tokens WHERE store = ? AND actor = ?').all(this.#store, actor))
      .map(({ id }) => id)
  }

  sweep(now: number): void {
    this.#database.prepare('DELETE FROM tokens WHERE store = ? AND expires <= ?').run(this.#store, now)
  }

  [Symbol.dispose](): void {
    this.#database.close()
  }
}
