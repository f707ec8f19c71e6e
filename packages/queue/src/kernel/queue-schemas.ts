/** Reports what a change of a queue's entry means for the jobs that it keeps. */
import { asTroupeError, type EntryId, isEntryId, type Log } from '@troupe/core'
import type { Kernel } from '@troupe/process/kernel'
import type { JobCounts, QueueDriver } from '../driver/driver.ts'
import { queueKind } from '../kinds.ts'

interface Parts {
  readonly registry: Kernel['registry']
  readonly driver: QueueDriver
  readonly log: Log
  /** Other nodes may have queues that this application does not have. */
  readonly isShared: boolean
}

/** The queue's entry is new, or another one than before, or gone. */
export async function noteQueue(parts: Parts, id: EntryId): Promise<void> {
  const { registry, log } = parts
  try {
    await (isQueue(registry, id) ? noteSchema(parts, id) : noteAbsence(parts, id))
  } catch (error) {
    log(`${id}: its jobs cannot be read: ${asTroupeError(error).message}`, { level: 'error' })
  }
}

/** All queues of the application, and those that it had before. */
export async function noteQueues(parts: Parts): Promise<void> {
  const former = parts.isShared ? [] : (await parts.driver.queues()).filter(isEntryId)
  const present = parts.registry.find({ kind: queueKind.kind }).map(({ id }) => id)
  for (const id of new Set([...present, ...former])) await noteQueue(parts, id)
}

function isQueue(registry: Kernel['registry'], id: EntryId): boolean {
  return registry.has(id) && registry.get(id).kind === queueKind.kind
}

async function noteSchema({ registry, driver, log }: Parts, id: EntryId): Promise<void> {
  const schema = JSON.stringify(registry.decode(id, queueKind).fields.schema ?? null)
  const former = await driver.schema(id, schema)
  if (former === undefined || former === schema) return
  const count = unfinished(await driver.counts(id))
  log(
    `${id}: its schema has changed, and ${count} jobs that it keeps were published under the former one: ` +
      'their consumers get them as they are',
    { level: count > 0 ? 'warn' : 'info' },
  )
}

async function noteAbsence({ driver, log, isShared }: Parts, id: EntryId): Promise<void> {
  const count = unfinished(await driver.counts(id))
  if (count === 0 && !isShared) await driver.forget(id)
  if (count > 0)
    log(`${id}: there is no such queue any more, and ${count} of its jobs wait until there is one again`, {
      level: 'warn',
    })
}

function unfinished({ delayed, waiting, running, dead }: JobCounts): number {
  return delayed + waiting + running + dead
}
