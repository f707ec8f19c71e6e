/**
 * Handles programs and functions whose entries or modules change: new processes and calls run the new code, running
 * ones continue with the old.
 */
import type { EntryId } from '@troupe/core'
import type { KindHandler } from '@troupe/registry'
import { serviceKind, type ServiceStatus } from '@troupe/process/kernel'
import { whenSettled } from './when-settled.ts'
import type { RunningParts } from './running-parts.ts'
import { renewService, type Supervised } from './services.ts'

type Code = Pick<RunningParts, 'kernel' | 'functions' | 'servers'>

export function codeHandler(running: RunningParts): KindHandler {
  const { kernel, functions, servers, supervisor } = running
  return {
    prepare: async ({ op, id, entries }) => {
      // A function that is an endpoint may not become one that cannot be.
      servers.check(entries)
      return whenSettled(async () => {
        supervisor.relink()
        if (op === 'update') {
          await renewCode(running, id)
          return
        }
        kernel.code.forget(id)
        functions.renew(id)
        kernel.entryChanged(id, [])
        await servers.refresh()
      })
    },
  }
}

/**
 * Restarts the services and children that run `entry`, unless they take over new code themselves. Services that were
 * stopped normally stay stopped. Returns their names.
 */
export async function restartWith(
  { kernel, supervisor, supervisors }: Supervised,
  entry: EntryId,
): Promise<readonly string[]> {
  const services = kernel.registry
    .find({ kind: serviceKind.kind })
    .map(({ id }) => kernel.registry.decode(id, serviceKind))
  const restarted = services.filter(({ entry: { id }, fields }) => {
    if (fields.process !== entry || !isUp(supervisor.status(id))) return false
    const names = supervisors.replicas.get(id)?.status.map(({ name }) => name) ?? [fields.name ?? id]
    const pids = names.map((name) => kernel.processes.lookup(name))
    return pids.some((pid) => pid === undefined || !kernel.processes.isUpgradable(pid))
  })
  await Promise.all(restarted.map(async ({ entry: { id } }) => renewService({ kernel, supervisor, supervisors }, id)))
  return [...restarted.map(({ entry: { id } }) => id), ...(await supervisors.renew(entry))]
}

/** Whether a service is running, or would be if it did not fail. */
function isUp({ state, error }: ServiceStatus): boolean {
  return (
    state === 'Running' || state === 'Starting' || ((state === 'Failed' || state === 'Exited') && error !== undefined)
  )
}

/** New processes and calls of `entry` load its code again; upgradable processes that run it are notified. */
export async function renewCode({ kernel, functions, servers }: Code, entry: EntryId): Promise<void> {
  kernel.code.renew(entry)
  functions.renew(entry)
  kernel.entryChanged(
    entry,
    kernel.registry.decode(entry).files.map(({ file }) => file),
  )
  await servers.refresh(true)
}
