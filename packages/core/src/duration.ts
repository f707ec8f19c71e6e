/** Durations as Go writes them: `1m30s`, `250ms`, `1.5h`. Held as milliseconds. */
import { invalid } from './errors.ts'

/** Milliseconds of each unit, largest first (Go's `time.ParseDuration`). */
const units: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1, us: 1e-3, µs: 1e-3, ns: 1e-6 }
const whole = /^([-+]?)((?:\d+(?:\.\d*)?|\.\d+)(?:h|ms|m|s|us|µs|ns))+$/
const part = /(\d+(?:\.\d*)?|\.\d+)(h|ms|m|s|us|µs|ns)/g

/**
 * Milliseconds of a duration such as `1m30s`. A bare `0` needs no unit.
 *
 * @throws TroupeError `Invalid` when the text is not a duration.
 */
export function parseDuration(text: string): number {
  if (text === '0') return 0
  if (!whole.test(text)) throw invalid(`"${text}" is not a duration: expected for example "250ms", "10s" or "1m30s"`, { text })
  let total = 0
  for (const [, amount, unit] of text.matchAll(part)) total += Number(amount) * (units[unit ?? ''] ?? 0)
  return text.startsWith('-') ? -total : total
}

/** A duration of `ms` milliseconds as Go would print it: `1m30s`, `250ms`, `0s`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s'
  const sign = ms < 0 ? '-' : ''
  const size = Math.abs(ms)
  if (size < 1000) return `${sign}${trim(size)}ms`
  const hours = Math.floor(size / 3_600_000)
  const minutes = Math.floor((size % 3_600_000) / 60_000)
  const seconds = trim((size % 60_000) / 1000)
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}s`
  return minutes > 0 ? `${sign}${minutes}m${seconds}s` : `${sign}${seconds}s`
}

function trim(value: number): string {
  return String(Number(value.toFixed(6)))
}
