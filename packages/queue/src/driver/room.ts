/**
 * Room for more jobs. New jobs are refused before the file or the disk is full: the jobs that are kept need some room
 * to run and to end.
 */
import { statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { pagesRow } from './sqlite-rows.ts'
import type { SqliteStatements } from './sqlite-statements.ts'

/** Bytes of a disk that new jobs leave free, or the part of a small one. */
const mostReserved = 16 << 20
const partReserved = 8

const pages = `SELECT page_count AS count, freelist_count AS free, page_size AS size
  FROM pragma_page_count, pragma_freelist_count, pragma_page_size`

export interface RoomOptions {
  readonly file: string
  /** Size of the file beyond which there is no room. @default no limit */
  readonly maxBytes: number | undefined
}

export class Room {
  readonly #sql: SqliteStatements
  readonly #options: RoomOptions

  constructor(sql: SqliteStatements, options: RoomOptions) {
    this.#sql = sql
    this.#options = options
  }

  /** Returns why a job of that size cannot be kept; `undefined` when there is room. */
  missing(bytes: number): string | undefined {
    const { file, maxBytes = Infinity } = this.#options
    const { count, free, size } = pagesRow.parse(this.#sql.get(pages))
    if ((count - free) * size + bytes > maxBytes) return `it is full: queue.max_bytes allows ${maxBytes} bytes`
    const { bavail, blocks, bsize } = statfsSync(dirname(file))
    const reserved = Math.min(mostReserved, (blocks * bsize) / partReserved)
    // Pages of jobs that have ended are used again. Twice: in the log of changes, and in the file.
    return bavail * bsize + free * size < reserved + 2 * bytes ? 'the disk is nearly full' : undefined
  }
}
