/** Changes of a database that are made together: one transaction, and one write to the disk, for each turn. */
import type { DatabaseSync } from 'node:sqlite'

interface Pending {
  /** Makes the change, and returns what settles its promise once the change is durable. */
  readonly change: () => () => void
  readonly reject: (error: unknown) => void
}

/** Number of changes in one transaction: more would block the thread for too long. */
const mostTogether = 500

/** `SQLITE_BUSY` */
const busy = 5

export interface WriteBatchesOptions {
  readonly database: DatabaseSync
  /** Changes were rolled back. */
  readonly rolledBack: () => void
  /** Returns the error with which a change is rejected that was not made. */
  readonly errorOf: (cause: unknown) => Error
}

export class WriteBatches {
  readonly #database: DatabaseSync
  readonly #rolledBack: () => void
  readonly #errorOf: (cause: unknown) => Error
  readonly #pending: Pending[] = []
  #isScheduled = false

  constructor({ database, rolledBack, errorOf }: WriteBatchesOptions) {
    this.#database = database
    this.#rolledBack = rolledBack
    this.#errorOf = errorOf
  }

  /** Makes a change. Settles when it is durable; rejects when it was not made. */
  async run<T>(change: () => T): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    this.#pending.push({
      change: () => {
        const value = change()
        return () => {
          resolve(value)
        }
      },
      reject,
    })
    this.#schedule()
    return promise
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#writeSome()
      if (this.#pending.length > 0) this.#schedule()
    })
  }

  /** Makes all pending changes now. */
  flush(): void {
    while (this.#pending.length > 0) this.#writeSome()
  }

  #writeSome(): void {
    const batch = this.#pending.splice(0, mostTogether)
    if (batch.length === 0) return
    const failed = this.#write(batch)
    if (failed === undefined) return
    if (isBusy(failed)) {
      // Each further try would hold up this thread as long as this one.
      for (const { reject } of batch) reject(this.#errorOf(failed.cause))
      return
    }
    // One that is too large for a nearly full disk must not fail the others.
    for (const one of batch) {
      const own = this.#write([one])
      if (own !== undefined) one.reject(this.#errorOf(own.cause))
    }
  }

  /** Returns why the changes were not made. */
  #write(batch: readonly Pending[]): { readonly cause: unknown } | undefined {
    const done: (() => void)[] = []
    try {
      this.#database.exec('BEGIN IMMEDIATE')
      for (const { change } of batch) done.push(change())
      this.#database.exec('COMMIT')
    } catch (cause) {
      // SQLite itself rolls back when the disk is full.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      this.#rolledBack()
      return { cause }
    }
    for (const settle of done) settle()
    return undefined
  }
}

/** Another program writes to the file, or keeps it from being written. */
function isBusy({ cause }: { readonly cause: unknown }): boolean {
  return cause instanceof Error && 'errcode' in cause && cause.errcode === busy
}
