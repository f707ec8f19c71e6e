/** Number of jobs of each queue that are not done, without counting them again for each new one. */
import { countsOf } from './sqlite-counts.ts'
import type { SqliteStatements } from './sqlite-statements.ts'

export class UnfinishedJobs {
  readonly #sql: SqliteStatements
  readonly #counts = new Map<string, number>()

  constructor(sql: SqliteStatements) {
    this.#sql = sql
  }

  of(queue: string): number {
    const known = this.#counts.get(queue)
    if (known !== undefined) return known
    const { delayed, waiting, running, dead } = countsOf(this.#sql, queue, 0)
    const count = delayed + waiting + running + dead
    this.#counts.set(queue, count)
    return count
  }

  add(queue: string, more: number): void {
    const known = this.#counts.get(queue)
    if (known !== undefined) this.#counts.set(queue, known + more)
  }

  /** Changes were rolled back. */
  forget(): void {
    this.#counts.clear()
  }
}
