/**
 * Changes of a database that are made together: one transaction for each turn. The disk is written meanwhile: what is
 * committed during one write shares the next.
 */
import type { DatabaseSync } from 'node:sqlite'
import type { LogSync } from './log-sync.ts'

interface Pending {
  /** Makes the change, and returns what settles its promise once the change is durable. */
  readonly change: () => () => void
  readonly reject: (error: unknown) => void
}

/** Changes that are committed, and not yet durable. */
interface Committed {
  readonly settle: () => void
  readonly reject: (error: unknown) => void
}

/** Number of changes in one transaction: more would block the thread for too long. */
const mostTogether = 500

/** `SQLITE_BUSY` */
const busy = 5

export interface WriteBatchesOptions {
  readonly database: DatabaseSync
  readonly log: LogSync
  /** Changes were rolled back. */
  readonly rolledBack: () => void
  /** Returns the error with which a change is rejected that was not made. */
  readonly errorOf: (cause: unknown) => Error
}

export class WriteBatches {
  readonly #database: DatabaseSync
  readonly #log: LogSync
  readonly #rolledBack: () => void
  readonly #errorOf: (cause: unknown) => Error
  readonly #pending: Pending[] = []
  #isScheduled = false
  #committed: Committed[] = []
  #writing: Promise<void> | undefined
  /** After a failed write, the system may report the next one as a success although the data is lost. */
  #lost: { readonly cause: unknown } | undefined

  constructor({ database, log, rolledBack, errorOf }: WriteBatchesOptions) {
    this.#database = database
    this.#log = log
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

  /** Makes all pending changes now. Settles when they are durable. */
  async flush(): Promise<void> {
    while (this.#pending.length > 0) this.#writeSome()
    await this.#writing
  }

  /** Settles when what can be read at the moment is durable. */
  async durable(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing
  }

  #writeSome(): void {
    const batch = this.#pending.splice(0, mostTogether)
    if (batch.length === 0) return
    const useless = this.#lost?.cause ?? this.#log.misplaced()
    if (useless !== undefined) {
      for (const { reject } of batch) reject(this.#errorOf(useless))
      return
    }
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
    this.#committed.push({
      settle: () => {
        for (const settle of done) settle()
      },
      reject: (error) => {
        for (const { reject } of batch) reject(error)
      },
    })
    this.#writing ??= this.#writeLog()
    return undefined
  }

  async #writeLog(): Promise<void> {
    while (this.#committed.length > 0) {
      const committed = this.#committed
      this.#committed = []
      try {
        await this.#log.written()
        for (const { settle } of committed) settle()
      } catch (cause) {
        this.#lost = { cause }
        for (const { reject } of committed) reject(this.#errorOf(cause))
      }
    }
    this.#writing = undefined
  }
}

/** Another program writes to the file, or keeps it from being written. */
function isBusy({ cause }: { readonly cause: unknown }): boolean {
  return cause instanceof Error && 'errcode' in cause && cause.errcode === busy
}
