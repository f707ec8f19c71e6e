/** Programs and functions whose entries or modules change: what starts from now on is the new one, what runs goes on. */
import type { EntryId } from '@troupe/core'
import type { KindHandler } from '@troupe/registry'
import { whenSettled } from './prepared.ts'
import type { Running } from './running.ts'

type Code = Pick<Running, 'kernel' | 'functions'>

export function codeHandler(running: Running): KindHandler {
  const { kernel, functions, supervisor } = running
  return {
    prepare: async ({ op, id }) =>
      whenSettled(async () => {
        supervisor.relink()
        if (op === 'update') {
          renewCode(running, id)
          return
        }
        kernel.code.forget(id)
        functions.renew(id)
        kernel.entryChanged(id, [])
      }),
  }
}

/** What runs `entry` from now on loads its code anew; upgradable processes that run it are told. */
export function renewCode({ kernel, functions }: Code, entry: EntryId): void {
  kernel.code.renew(entry)
  functions.renew(entry)
  kernel.entryChanged(
    entry,
    kernel.registry.decode(entry).files.map(({ file }) => file),
  )
}
