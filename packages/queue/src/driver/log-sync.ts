/**
 * Writes SQLite's log of changes (WAL) to the disk, outside of the thread that commits. A commit of
 * `synchronous=NORMAL` is in that file when it returns; with this it is durable, exactly as with `FULL`, where SQLite
 * itself waits for the disk in the thread. What is committed while one write takes place shares the next.
 */
import { close, fdatasync, fstatSync, openSync, type Stats, statSync } from 'node:fs'
import { promisify } from 'node:util'

export class LogSync implements AsyncDisposable {
  readonly #log: number
  readonly #waits: boolean
  readonly #files: readonly { readonly path: string; readonly opened: Stats }[]

  /**
   * @param file - An open database in WAL mode, to which something was written.
   * @param waits - Whether a commit waits for the disk.
   */
  constructor(file: string, waits: boolean) {
    const log = `${file}-wal`
    this.#log = openSync(log, 'r+')
    this.#waits = waits
    this.#files = [
      { path: file, opened: statSync(file) },
      { path: log, opened: fstatSync(this.#log) },
    ]
  }

  /** Settles when all that was committed until now is durable; `undefined` when nothing is to be waited for. */
  written(): Promise<void> | undefined {
    return this.#waits ? promisify(fdatasync)(this.#log) : undefined
  }

  /** Returns why nothing that is committed would be found again; `undefined` when the files are in place. */
  misplaced(): string | undefined {
    const missing = this.#files.find(({ path, opened }) => {
      const found = statSync(path, { throwIfNoEntry: false })
      return found?.ino !== opened.ino || found.dev !== opened.dev
    })
    if (missing === undefined) return undefined
    return `${missing.path} was removed or replaced while it was in use: start the application again`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await promisify(close)(this.#log)
  }
}
