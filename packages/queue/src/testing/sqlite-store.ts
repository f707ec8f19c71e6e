/** A folder for one SQLite file of jobs, and a clock. */
import { mkdtempDisposableSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { SqliteDriver } from '../driver/sqlite-driver.ts'
import type { DriverStore } from './driver-contract.ts'

export interface SqliteStore extends DriverStore {
  readonly file: string
  open(options?: { readonly maxBytes?: number }): Promise<SqliteDriver>
}

export async function sqliteStore(): Promise<SqliteStore> {
  const folder = mkdtempDisposableSync(`${tmpdir()}/troupe-queue-`)
  const file = `${folder.path}/queues.db`
  let time = Date.UTC(2026, 0, 1)
  const now = () => time
  return {
    file,
    now,
    open: async (options = {}) => SqliteDriver.open({ file, now, ...options }),
    pass: async (ms) => {
      time += ms
    },
    [Symbol.asyncDispose]: async () => {
      folder.remove()
    },
  }
}
