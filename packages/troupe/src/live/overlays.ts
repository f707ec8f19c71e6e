/** Handles overlays that are created, changed or deleted while the application runs. */
import { type EntryId, invalid } from '@troupe/core'
import type { OverlaySwap } from '@troupe/network/kernel'
import { serviceOf } from '@troupe/process/kernel'
import type { KindChange, KindHandler, Prepared } from '@troupe/registry'
import type { RunningParts } from './running-parts.ts'

/**
 * The replacement is built first, and put in service when it is ready. The old overlay serves its connections until
 * they end, or until `network_service.drain_timeout`.
 */
export function overlayHandler({ kernel, supervisor, supervisors, drainTimeout }: RunningParts): KindHandler {
  const { overlays, threads } = kernel
  return {
    async prepare({ op, id, entries }: KindChange): Promise<Prepared> {
      if (op === 'delete') refuseDefault(id, threads.defaultOverlay)
      const swap = op === 'delete' ? overlays.prepareRemoval(id) : await overlays.prepare(id, entries)
      if (op === 'update') await checked(swap)
      return {
        commit: async () => {
          await swap.commit().finally(() => {
            for (const other of [id, ...overlays.leadingThrough(id)]) kernel.overlayMoved(other)
            kernel.retireNetworks()
          })
        },
        rollback: async () => {
          await swap.rollback().finally(() => {
            kernel.overlayMoved(id)
          })
        },
        settle: async () => {
          // A later entry with the same id is another network.
          if (op === 'delete') kernel.networks.removed(id)
          for (const former of swap.retired) {
            kernel.drains.add(
              former.id,
              former.route.generation,
              drainTimeout,
              () => void former[Symbol.asyncDispose](),
            )
          }
          const service = op === 'delete' ? undefined : serviceOf(kernel, supervisors, id)
          if (service === undefined) await supervisor.remove(id)
          else await supervisor.put(service, true)
        },
      }
    },
  }
}

/** A replacement that is not usable does not take the old one's place. */
async function checked(swap: OverlaySwap): Promise<void> {
  try {
    await swap.check()
  } catch (error) {
    await swap.rollback()
    throw error
  }
}

function refuseDefault(id: EntryId, byDefault: EntryId | undefined): void {
  if (id === byDefault) throw invalid(`network_service.default_network refers to ${id}`, { id })
}
