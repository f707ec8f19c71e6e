import { setTimeout as sleep } from 'node:timers/promises'
import { log, self } from 'troupe'

/** Visits the pages of a site again and again, until it is asked to stop. */
export async function main(site: string, ...paths: readonly string[]): Promise<void> {
  for (let round = 1; !self.signal.aborted; round += 1) {
    for (const path of paths) {
      const response = await fetch(site + path, { signal: self.signal })
      if (response.ok) log.info({ round, path, size: (await response.text()).length }, 'visited')
      else log.warn({ round, path, status: response.status }, 'skipped')
      await sleep(500, undefined, { signal: self.signal })
    }
  }
}
