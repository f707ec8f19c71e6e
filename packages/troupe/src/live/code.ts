/** Programs and functions whose entries or modules change: what starts from now on is the new one, what runs goes on. */
import type { EntryId } from '@troupe/core'
import type { KindHandler } from '@troupe/registry'
import { whenSettled } from './prepared.ts'
import type { Running } from './running.ts'

type Code = Pick<Running, 'kernel' | 'functions' | 'servers'>

export function codeHandler(running: Running): KindHandler {
  const { kernel, functions, servers, supervisor } = running
  return {
    prepare: async ({ op, id }) =>
      whenSettled(async () => {
        supervisor.relink()
        if (op === 'update') {
          await renewCode(running, id)
          return
        }
        kernel.code.forget(id)
        functions.renew(id)
        kernel.entryChanged(id, [])
        await servers.refresh()
      }),
  }
}

/** What runs `entry` from now on loads its code anew; upgradable processes that run it are told. */
export async function renewCode({ kernel, functions, servers }: Code, entry: EntryId): Promise<void> {
  kernel.code.renew(entry)
  functions.renew(entry)
  kernel.entryChanged(
    entry,
    kernel.registry.decode(entry).files.map(({ file }) => file),
  )
  await servers.refresh(true)
}
