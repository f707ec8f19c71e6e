/** Durations in Go's syntax: `1m30s`, `250ms`, `1.5h`. Held as milliseconds. */
import { invalid } from './errors.ts'

/** Milliseconds of each unit (Go's `time.ParseDuration`). Unicode has two micro signs; Go accepts both. */
const units: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ns: 1e-6,
}
const whole = /^[-+]?(?:0|(?:(?:\d+(?:\.\d*)?|\.\d+)(?:h|ms|m|s|us|µs|μs|ns))+)$/
const part = /(\d+(?:\.\d*)?|\.\d+)(h|ms|m|s|us|µs|μs|ns)/g
/** Go counts nanoseconds in 64 bits: about 292 years. */
const longest = (2 ** 63 - 1) / 1e6

/**
 * Returns the milliseconds of a duration such as `1m30s`. A bare `0` needs no unit.
 *
 * @throws TroupeError `Invalid` when the text is not a duration, or is longer than 292 years.
 */
export function parseDuration(text: string): number {
  if (!whole.test(text))
    throw invalid(`"${text}" is not a duration: expected for example "250ms", "10s" or "1m30s"`, { text })
  let total = 0
  for (const [, amount, unit] of text.matchAll(part)) total += Number(amount) * (units[unit ?? ''] ?? 0)
  if (total >= longest) throw invalid(`"${text}" is too long for a duration: the maximum is about 292 years`, { text })
  return text.startsWith('-') && total > 0 ? -total : total
}

/** Returns a duration of `ms` milliseconds as Go prints it: `1m30s`, `250ms`, `1.5µs`, `0s`. */
export function formatDuration(ms: number): string {
  const ns = BigInt(Math.round(Math.abs(ms) * 1e6))
  if (ns === 0n) return '0s'
  return (ms < 0 ? '-' : '') + (ns < second ? formatShort(ns) : formatLong(ns))
}

const second = 1_000_000_000n

function formatShort(ns: bigint): string {
  if (ns < 1000n) return `${ns}ns`
  return ns < 1_000_000n ? `${decimal(ns, 3)}µs` : `${decimal(ns, 6)}ms`
}

function formatLong(ns: bigint): string {
  const minutes = ns / (60n * second)
  const seconds = `${decimal(ns % (60n * second), 9)}s`
  if (minutes === 0n) return seconds
  return minutes < 60n ? `${minutes}m${seconds}` : `${minutes / 60n}h${minutes % 60n}m${seconds}`
}

/** `value` with its last `digits` digits after the decimal point; trailing zeros are left out. */
function decimal(value: bigint, digits: number): string {
  const text = String(value).padStart(digits + 1, '0')
  const fraction = text.slice(-digits).replace(/0+$/, '')
  return text.slice(0, -digits) + (fraction && `.${fraction}`)
}
