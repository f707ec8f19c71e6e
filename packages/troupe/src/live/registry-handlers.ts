/** Handles the registry requests of code while the application runs. */
import { type EntryId, entryId, invalid, isEntryId } from '@troupe/core'
import { type Requester, type Kernel, serviceKind, waitUnlessOwn } from '@troupe/process/kernel'
import type { Change, EntryChange } from '@troupe/registry'
import { z } from 'zod'
import { registryRequests } from './request-rules.ts'
import { permitChange } from './change-permits.ts'
import type { RunningParts } from './running-parts.ts'

/** Handles `registry.apply`, `rollback`, `version` and `history` for all threads. */
export function handleRegistryRequests(running: RunningParts): void {
  const { kernel } = running
  const { registry } = kernel
  kernel.handle('version', registryRequests.version, () => ({ version: registry.version() }))
  kernel.handle('history', registryRequests.history, (_, { record }) =>
    registry.history().map((version) => ({
      ...version,
      changes: version.changes.filter(({ id }) => kernel.authorizer.allows(record, 'registry.get', id)),
    })),
  )
  kernel.handle('apply', registryRequests.apply, async ({ changes }, requester) => {
    const ids = parsed(changes).map(({ entry }) => entry.id)
    for (const id of ids) permit(kernel, requester, id)
    return carriedOut(running, requester, ids, async (released) =>
      registry.apply(changes, released, permitting(kernel, requester), isProgram(requester)),
    )
  })
  kernel.handle('rollback', registryRequests.rollback, async ({ version }, requester) => {
    const undone = registry.history().filter((later) => later.version > version)
    const ids = undone.flatMap(({ changes }) => changes.map(({ id }) => id))
    return carriedOut(running, requester, ids, async (released) =>
      registry.rollback(version, released, permitting(kernel, requester)),
    )
  })
}

/** Code may pass any value. @throws TroupeError `Invalid` */
function parsed(changes: unknown): readonly { readonly entry: { readonly id: string } }[] {
  const { data, error } = changesSchema.safeParse(changes)
  if (data !== undefined) return data
  const path = `changes${error.issues[0]?.path.map((part) => `[${String(part)}]`).join('') ?? ''}`
  throw invalid(
    `${path}: ${error.issues[0]?.message}: expected a list of { op: 'create' | 'update' | 'delete', entry: { id, … } }`,
    {
      path,
    },
  )
}

const changesSchema = z.array(z.object({ entry: z.object({ id: z.string() }) }))

/** Applies changes of `ids`. A service that changes itself, or what it needs, does not wait for its own end. */
async function carriedOut(
  { kernel, supervisor }: RunningParts,
  { record }: Requester,
  ids: readonly string[],
  change: (released: () => Promise<void>) => Promise<number>,
): Promise<{ readonly version: number }> {
  const stopped = new Set(ids.filter(isEntryId).flatMap((id) => [entryId(id), ...supervisor.stopsWith(entryId(id))]))
  const names = new Set([...stopped].flatMap((id) => nameOf(kernel, id)))
  const isOwn = (name: string) => names.has(name) || names.has(name.split('/', 1)[0] ?? name)
  let version = 0
  await waitUnlessOwn(kernel, record, isOwn, async (released) => {
    version = await change(released)
  })
  return { version }
}

/** The name of a service's processes, or its prefix. */
function nameOf({ registry }: Kernel, id: EntryId): readonly string[] {
  const entry = registry.has(id) ? registry.get(id) : undefined
  return [entry?.kind === serviceKind.kind ? (registry.decode(id, serviceKind).fields.name ?? id) : id]
}

/** The surrounding program, which runs in the kernel's own thread. */
function isProgram({ record, thread }: Requester): boolean {
  return thread.number === 0 && record.entry === undefined
}

/** The meaning of a change is known only after the changes before it were applied. */
function permitting({ authorizer }: Kernel, { record }: Requester): (change: EntryChange) => void {
  return (change) => {
    if (authorizer.governs(record))
      permitChange(change, (action, resource, meta) => authorizer.check(record, action, resource, meta))
  }
}

function permit(kernel: Kernel, { record }: Requester, id: Change['entry']['id']): void {
  kernel.authorizer.check(record, 'registry.apply', entryId(id))
}
