/** How many connections a service takes where its entry does not say: others need open files, too. */
import { readFileSync } from 'node:fs'

/** Where the system does not tell its limit. */
const usual = 10_000

/** Half of the files that the program may have open: beyond that limit nothing could be read, started or dialled any more. */
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
