/** Checks the clock: against the servers that entries name, and against files of the application. */
import { stat } from 'node:fs/promises'
import { performance } from 'node:perf_hooks'
import type { Check } from './context.ts'
import { type Found, ok, shownPath } from './finding.ts'

/** Milliseconds; a shorter difference has no effect on certificates, tokens and logins. */
const tolerable = 60_000
/** Beyond it, logins of Tailscale and Tor's directory fail. */
const intolerable = 10 * 60_000
/** Milliseconds by which the clock may be set while the checks run. */
const smallestJump = 1000
/** Before this version of Troupe existed. */
const impossible = Date.UTC(2025, 0)
const remedy = 'timedatectl set-ntp true'

export const clockCheck: Check = {
  name: 'clock',
  async run({ registry, config, system, examined }) {
    const before = system.now() - performance.now()
    const results = await examined()
    const jump = system.now() - performance.now() - before
    const found: Found[] = []
    if (system.now() < impossible)
      found.push({
        severity: 'error',
        message: `it shows ${iso(system.now())}: certificates are not valid yet`,
        remedy,
      })
    if (Math.abs(jump) >= smallestJump)
      found.push({ severity: 'warning', message: `it was set by ${seconds(jump)} during these checks`, remedy })
    for (const [id, parts] of results)
      for (const { part, date } of parts)
        if (date !== undefined) found.push(differenceOf(id, part, date - system.now()))
    const sources = new Set(registry.entries().flatMap(({ source }) => (source === undefined ? [] : [source.file])))
    for (const file of new Set([...sources, ...config.files])) {
      const written = await stat(file).then(
        ({ mtimeMs }) => mtimeMs,
        () => 0,
      )
      if (written <= system.now() + tolerable) continue
      const message = `a file was changed at ${iso(written)}, which has not come yet: was the clock set back?`
      found.push({
        severity: 'warning',
        message,
        where: shownPath(file),
        remedy: `${remedy}; touch ${shownPath(file)}`,
      })
    }
    return found.length > 0 ? found : [ok(`it shows ${iso(system.now())}; no entry names a server to compare it with`)]
  },
}

function differenceOf(id: string, part: string, ahead: number): Found {
  const off = Math.abs(ahead)
  if (off <= tolerable) return ok(`it agrees with ${part} of ${id}`)
  return {
    severity: off > intolerable ? 'error' : 'warning',
    message: `it is ${seconds(off)} ${ahead > 0 ? 'behind' : 'ahead of'} ${part} of ${id}`,
    where: id,
    remedy,
  }
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
