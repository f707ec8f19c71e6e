/** Handles servers and their routes that are created, changed or deleted while the application runs. */
import type { EntryId } from '@troupe/core'
import type { KindHandler } from '@troupe/registry'
import { whenSettled } from './when-settled.ts'
import type { RunningParts } from './running-parts.ts'

/**
 * A changed server is stopped normally, and started with its new entry. Fields that can change at run time are applied
 * to the running server.
 */
export function serverHandler(running: RunningParts): KindHandler {
  return { prepare: async ({ id }) => whenSettled(async () => renewServer(running, id)) }
}

async function renewServer({ kernel, supervisor, servers }: RunningParts, id: EntryId): Promise<void> {
  if (!kernel.registry.has(id)) await supervisor.remove(id)
  else if (!(await servers.adapt(id))) await supervisor.put(servers.service(id))
}

/** Servers route by the new entries from the next request on; requests in progress continue with the old ones. */
export function routeHandler({ servers, supervisor }: RunningParts): KindHandler {
  return {
    prepare: async ({ entries }) => {
      servers.check(entries)
      return whenSettled(async () => {
        supervisor.relink()
        await servers.refresh()
      })
    },
  }
}
