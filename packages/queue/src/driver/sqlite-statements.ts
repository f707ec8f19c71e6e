/** Prepared statements of a database, by their text. */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'

export class SqliteStatements {
  readonly #database: DatabaseSync
  readonly #prepared = new Map<string, StatementSync>()

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  /** Returns the first row; `undefined` for none. */
  get(sql: string, ...values: readonly SQLInputValue[]): unknown {
    return this.#statement(sql).get(...values)
  }

  all(sql: string, ...values: readonly SQLInputValue[]): readonly unknown[] {
    return this.#statement(sql).all(...values)
  }

  iterate(sql: string, ...values: readonly SQLInputValue[]): Iterable<unknown> {
    return this.#statement(sql).iterate(...values)
  }

  /** Returns the number of the new row. */
  insert(sql: string, ...values: readonly SQLInputValue[]): number {
    return Number(this.#statement(sql).run(...values).lastInsertRowid)
  }

  /** Returns the number of rows that changed. */
  run(sql: string, ...values: readonly SQLInputValue[]): number {
    return Number(this.#statement(sql).run(...values).changes)
  }

  #statement(sql: string): StatementSync {
    const known = this.#prepared.get(sql)
    if (known !== undefined) return known
    const made = this.#database.prepare(sql)
    this.#prepared.set(sql, made)
    return made
  }
}
