/** What code may ask of the registry while the application runs. */
import { entryId } from '@troupe/core'
import type { Asker, Kernel } from '@troupe/process/kernel'
import type { Change } from '@troupe/registry'

/** Answers `registry.apply`, `rollback`, `version` and `history` of all threads. */
export function answerChanges(kernel: Kernel): void {
  const { registry } = kernel
  kernel.handle('version', () => ({ version: registry.version() }))
  kernel.handle('history', () => registry.history())
  kernel.handle('apply', async ({ changes }, asker) => {
    for (const { entry } of changes) permit(kernel, asker, entry.id)
    return { version: await registry.apply(changes) }
  })
  kernel.handle('rollback', async ({ version }, asker) => {
    for (const { changes } of registry.history()) for (const { id } of changes) permit(kernel, asker, id)
    return { version: await registry.rollback(version) }
  })
}

function permit(kernel: Kernel, { record }: Asker, id: Change['entry']['id']): void {
  kernel.authority.check(record, 'registry.apply', entryId(id))
}
