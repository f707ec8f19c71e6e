/** Handles services that are created, changed or deleted while the application runs. */
import { isDeepStrictEqual } from 'node:util'
import type { EntryId } from '@troupe/core'
import { serviceOf, supervisorKind } from '@troupe/process/kernel'
import type { Entries, Entry, KindHandler } from '@troupe/registry'
import { whenSettled } from './when-settled.ts'
import type { RunningParts } from './running-parts.ts'

/**
 * A changed service is stopped, and started with its new entry; if only the number of its replicas has changed, the
 * others continue. A failure to start is the supervisor's to handle, as at any other start.
 */
export function serviceHandler(running: RunningParts): KindHandler {
  const { registry } = running.kernel
  return {
    prepare: async ({ op, id, entries }) => {
      const scales = op === 'update' && differsInReplicas(registry.get(id), entries.get(id))
      return whenSettled(async () => {
        const set = scales ? running.supervisors.replicas.get(id) : undefined
        await (set === undefined ? renewService(running, id) : set.scale())
      })
    },
  }
}

/** A changed consumer of a queue is stopped, which lets its jobs end, and started with its new entry. */
export function consumerHandler({ kernel, supervisor, queues }: RunningParts): KindHandler {
  return {
    prepare: async ({ id }) =>
      whenSettled(async () => {
        if (kernel.registry.has(id)) await supervisor.put(queues.service(id))
        else await supervisor.remove(id)
      }),
  }
}

/** The jobs of a changed queue stay as they are: what the change means for them is reported. */
export function queueHandler({ queues }: RunningParts): KindHandler {
  return { prepare: async ({ id }) => whenSettled(async () => queues.changed(id)) }
}

/** Whether nothing but the number of replicas differs, and both have one. */
function differsInReplicas(before: Entry, after: Entry): boolean {
  const { replicas: former, ...fieldsBefore } = before.fields
  const { replicas, ...fieldsAfter } = after.fields
  return (
    former !== undefined &&
    replicas !== undefined &&
    isDeepStrictEqual([fieldsBefore, before.meta], [fieldsAfter, after.meta])
  )
}

/**
 * A supervisor of processes, and its present and former children: a process that is no longer a child is a service of
 * its own.
 */
export function supervisorHandler(running: RunningParts): KindHandler {
  const { registry } = running.kernel
  return {
    prepare: async ({ op, id, entries }) => {
      const children = [
        ...(op === 'create' ? [] : childrenOf(registry, id)),
        ...(op === 'delete' ? [] : childrenOf(entries, id)),
      ]
      return whenSettled(async () => {
        await renewService(running, id)
        for (const child of children) {
          if (registry.has(child) && registry.get(child).kind === supervisorKind.kind)
            await renewService(running, child)
        }
      })
    },
  }
}

function childrenOf(entries: Pick<Entries, 'decode'>, id: EntryId): readonly EntryId[] {
  return entries.decode(id, supervisorKind).fields.children.map(({ process }) => process)
}

export type Supervised = Pick<RunningParts, 'kernel' | 'supervisor' | 'supervisors'>

/** Starts a service from its current entry, in place of the running one. */
export async function renewService({ kernel, supervisor, supervisors }: Supervised, id: EntryId): Promise<void> {
  const service = kernel.registry.has(id) ? serviceOf(kernel, supervisors, id) : undefined
  if (service === undefined) await supervisor.remove(id)
  else await supervisor.put(service)
}
