/** Servers and their routes, as they come, change and go while the application runs. */
import type { EntryId } from '@troupe/core'
import type { KindHandler } from '@troupe/registry'
import { whenSettled } from './when-settled.ts'
import type { RunningParts } from './running-parts.ts'

/** A server that changes is stopped in order, and started as it is then; what can change in a server that runs, changes there. */
export function serverHandler(running: RunningParts): KindHandler {
  return { prepare: async ({ id }) => whenSettled(async () => renewServer(running, id)) }
}

async function renewServer({ kernel, supervisor, servers }: RunningParts, id: EntryId): Promise<void> {
  if (!kernel.registry.has(id)) await supervisor.remove(id)
  else if (!(await servers.adapt(id))) await supervisor.put(servers.service(id))
}

/** Servers route by the new entries from the next request on; requests that are under way go on by the former. */
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
