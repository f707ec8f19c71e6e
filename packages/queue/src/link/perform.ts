/** Calls a driver as a command states. */
import type { JobCalls, JobCommand } from '../link-protocol.ts'

export async function perform(driver: JobCalls, { name, args }: JobCommand): Promise<unknown> {
  switch (name) {
    case 'publish':
      return driver.publish(...args)
    case 'reserve':
      return driver.reserve(...args)
    case 'acknowledge':
      return driver.acknowledge(...args)
    case 'retry':
      return driver.retry(...args)
    case 'bury':
      return driver.bury(...args)
    case 'release':
      return driver.release(...args)
    case 'progress':
      return driver.progress(...args)
    case 'extend':
      return driver.extend(...args)
    case 'nextDue':
      return driver.nextDue(...args)
    case 'job':
      return driver.job(...args)
    case 'counts':
      return driver.counts(...args)
    case 'waitingSince':
      return driver.waitingSince(...args)
    case 'dead':
      return driver.dead(...args)
    case 'replay':
      return driver.replay(...args)
    case 'drop':
      return driver.drop(...args)
    case 'schema':
      return driver.schema(...args)
    case 'queues':
      return driver.queues(...args)
    default:
      return driver.forget(...args)
  }
}
