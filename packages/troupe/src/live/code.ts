/** Programs and functions whose entries change: what starts from now on is the new one, what runs goes on. */
import { sourceOf } from './source.ts'
import type { KindHandler } from '@troupe/registry'
import { whenSettled } from './prepared.ts'
import type { Running } from './running.ts'

export function codeHandler({ kernel, functions, supervisor }: Running): KindHandler {
  return {
    prepare: async ({ op, id, after }) =>
      whenSettled(async () => {
        if (op === 'delete') kernel.code.forget(id)
        else if (op === 'update') kernel.code.renew(id)
        functions.renew(id)
        supervisor.relink()
        kernel.entryChanged(id, op === 'update' && after !== undefined ? sourceOf(kernel.registry, id) : [])
      }),
  }
}
