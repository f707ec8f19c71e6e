/** What a program did with the network, counted. */
import type { ReportLine } from '@troupe/network/program'
import { formatTable } from '../table.ts'

/** All events of one kind with one target. */
export interface ReportRow {
  readonly network: 'overlay' | 'clear' | 'refused'
  readonly target: string
  readonly count: number
  readonly failed: number
  /** Why the last of them failed. */
  readonly error?: string
}

/** Returns a row for each target, in the order of its first event. */
export function countLines(lines: readonly ReportLine[]): readonly ReportRow[] {
  const rows = new Map<string, ReportRow>()
  for (const { how, what, error } of lines) {
    const key = `${how} ${what}`
    const { count = 0, failed = 0, error: last } = rows.get(key) ?? {}
    const reason = error ?? last
    rows.set(key, {
      network: how,
      target: what,
      count: count + 1,
      failed: failed + (error === undefined ? 0 : 1),
      ...(reason !== undefined && { error: reason }),
    })
  }
  return [...rows.values()]
}

/** The rows as JSON, or as a table for people. */
export function formatReport(overlay: string, rows: readonly ReportRow[], format: 'table' | 'json'): string {
  if (format === 'json') return JSON.stringify({ overlay, rows })
  if (rows.length === 0) return `troupe exec: nothing went to ${overlay}, and nothing was refused`
  const cells = rows.map(({ network, target, count, failed, error = '' }) => [
    network === 'overlay' ? overlay : network,
    target,
    String(count),
    failed === 0 ? '' : String(failed),
    error,
  ])
  return formatTable(['NETWORK', 'TARGET', 'COUNT', 'FAILED', 'LAST ERROR'], cells)
}
