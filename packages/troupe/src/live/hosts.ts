/** Handles hosts that are created, changed or deleted while the application runs. */
import type { EntryId } from '@troupe/core'
import { type Host, hostKind, type Kernel, serviceOf } from '@troupe/process/kernel'
import type { Entries, KindHandler, Prepared } from '@troupe/registry'
import type { RunningParts } from './running-parts.ts'

/**
 * A changed host is rebuilt, and new processes start in the new one. Running processes stay in the old host, which ends
 * with the last of them. The processes of a deleted host are asked to stop, and ended after its `stop_timeout`.
 */
export function hostHandler(running: RunningParts): KindHandler {
  return {
    prepare: async ({ op, id, entries }) =>
      op === 'delete' ? removal(running, id) : replacement(running, id, entries),
  }
}

async function replacement(
  { kernel, supervisor, supervisors }: RunningParts,
  id: EntryId,
  entries: Entries,
): Promise<Prepared> {
  const { hosts } = kernel
  const former = hosts.has(id) ? hosts.get(id) : undefined
  // A host that is not running is built when its service starts.
  const next = former && hosts.create(id, entries.decode(id, hostKind).fields.host)
  await next?.ready()
  return {
    commit: async () => {
      if (next !== undefined) hosts.swap(id, next)
    },
    rollback: async () => {
      if (next === undefined) return
      hosts.swap(id, former)
      await next[Symbol.asyncDispose]()
    },
    settle: async () => {
      if (former !== undefined) await hosts.retire(former)
      const service = serviceOf(kernel, supervisors, id)
      if (service !== undefined) await supervisor.put(service, true)
    },
  }
}

async function removal({ kernel, supervisor }: RunningParts, id: EntryId): Promise<Prepared> {
  const { hosts } = kernel
  const former = hosts.has(id) ? hosts.get(id) : undefined
  const { stopTimeout } = kernel.registry.decode(id, hostKind).fields.lifecycle
  return {
    commit: async () => {
      hosts.swap(id, undefined)
    },
    rollback: async () => {
      hosts.swap(id, former)
    },
    settle: async () => {
      // The host is already out of service: its service ends without it.
      await supervisor.remove(id)
      if (former !== undefined) await letEnd(kernel, former, stopTimeout)
    },
  }
}

/** Asks the processes of a host to stop, without waiting. */
async function letEnd(kernel: Kernel, host: Host, patience: number): Promise<void> {
  for (const record of [...kernel.processes.all()]) {
    // A process that has ended meanwhile need not be asked.
    if (record.host === host) await kernel.cancel(record.pid, `its host ${host.id} was removed`).catch(() => undefined)
  }
  await kernel.hosts.retire(host, patience)
}
