/** The default number of connections of a service: other uses need open files too. */
import { readFileSync } from 'node:fs'

/** Used where the system does not report its limit. */
const usual = 10_000

/** Returns half of the program's limit of open files: at the limit itself nothing could be read, started or dialled. */
export function connectionsByDefault(limits = systemLimits()): number {
  const [, open] = /^Max open files\s+(\d+)/m.exec(limits) ?? []
  return open === undefined ? usual : Math.max(1, Math.floor(Number(open) / 2))
}

/** @see proc_pid_limits(5) */
function systemLimits(): string {
  try {
    return readFileSync('/proc/self/limits', 'utf8')
  } catch {
    return ''
  }
}
