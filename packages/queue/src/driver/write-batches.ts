/** Changes of a database that are made together: one transaction, and one write to the disk, for each turn. */
import type { DatabaseSync } from 'node:sqlite'

interface Pending {
  /** Makes the change, and returns what settles its promise once the change is durable. */
  readonly change: () => () => void
  readonly reject: (error: unknown) => void
}

/** Number of changes in one transaction: more would block the thread for too long. */
const mostTogether = 500

export class WriteBatches {
  readonly #database: DatabaseSync
  readonly #failed: (cause: unknown) => Error
  readonly #pending: Pending[] = []
  #isScheduled = false

  /** @param failed - Called when changes were rolled back. Returns the error with which a change is rejected. */
  constructor(database: DatabaseSync, failed: (cause: unknown) => Error) {
    this.#database = database
    this.#failed = failed
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
    if (batch.length === 0 || this.#write(batch) === undefined) return
    // One that is too large for a nearly full disk must not fail the others.
    for (const one of batch) {
      const cause = this.#write([one])
      if (cause !== undefined) one.reject(cause)
    }
  }

  /** Returns why the changes were not made. */
  #write(batch: readonly Pending[]): Error | undefined {
    const done: (() => void)[] = []
    try {
      this.#database.exec('BEGIN IMMEDIATE')
      for (const { change } of batch) done.push(change())
      this.#database.exec('COMMIT')
    } catch (error) {
      // SQLite itself rolls back when the disk is full.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      return this.#failed(error)
    }
    for (const settle of done) settle()
    return undefined
  }
}
