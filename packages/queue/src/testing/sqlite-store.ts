/** A folder for one SQLite file of jobs, and a clock. */
import { mkdtempDisposableSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { SqliteDriver } from '../driver/sqlite-driver.ts'
import type { DriverStore } from './driver-contract.ts'

export interface SqliteStore extends DriverStore {
  readonly file: string
  /** Corrects the date. */
  set(ms: number): void
  open(options?: { readonly maxBytes?: number }): Promise<SqliteDriver>
}

/** @param parent - Where its folder is. */
export async function sqliteStore(parent = tmpdir()): Promise<SqliteStore> {
  const folder = mkdtempDisposableSync(`${parent}/troupe-queue-`)
  const file = `${folder.path}/queues.db`
  let date = Date.UTC(2026, 0, 1)
  let time = 0
  const clock = { now: () => time, date: () => date }
  return {
    file,
    now: clock.date,
    open: async (options = {}) => SqliteDriver.open({ file, clock, ...options }),
    pass: async (ms) => {
      time += ms
      date += ms
    },
    set: (ms) => {
      date += ms
    },
    [Symbol.asyncDispose]: async () => {
      folder.remove()
    },
  }
}
