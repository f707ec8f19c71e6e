/** What code may ask of the registry while the application runs. */
import { entryId, invalid } from '@troupe/core'
import type { Asker, Kernel } from '@troupe/process/kernel'
import type { Change } from '@troupe/registry'
import { z } from 'zod'

/** Answers `registry.apply`, `rollback`, `version` and `history` of all threads. */
export function answerChanges(kernel: Kernel): void {
  const { registry } = kernel
  kernel.handle('version', () => ({ version: registry.version() }))
  kernel.handle('history', () => registry.history())
  kernel.handle('apply', async ({ changes }, asker) => {
    for (const { entry } of parsed(changes)) permit(kernel, asker, entry.id)
    return { version: await registry.apply(changes) }
  })
  kernel.handle('rollback', async ({ version }, asker) => {
    for (const { changes } of registry.history()) for (const { id } of changes) permit(kernel, asker, id)
    return { version: await registry.rollback(version) }
  })
}

/** Code may hand over anything. @throws TroupeError `Invalid` */
function parsed(changes: unknown): readonly { readonly entry: { readonly id: string } }[] {
  const { data, error } = changesSchema.safeParse(changes)
  if (data !== undefined) return data
  const path = `changes${error.issues[0]?.path.map((part) => `[${String(part)}]`).join('') ?? ''}`
  throw invalid(`${path}: ${error.issues[0]?.message}: expected a list of { op: 'create' | 'update' | 'delete', entry: { id, … } }`, {
    path,
  })
}

const changesSchema = z.array(z.object({ entry: z.object({ id: z.string() }) }))

function permit(kernel: Kernel, { record }: Asker, id: Change['entry']['id']): void {
  kernel.authority.check(record, 'registry.apply', entryId(id))
}
