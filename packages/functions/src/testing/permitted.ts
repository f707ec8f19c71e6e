/** A process that performs a requested action with a function. */
import { Scope } from '@troupe/policy'
import { funcs } from '../funcs.ts'

const callers = {
  call: () => funcs,
  context: () => funcs.withContext({ tenant: 1 }),
  actor: () => funcs.withActor({ id: 'bob', meta: {} }),
  scope: () => funcs.withScope(new Scope(['p:funcs_context_context'])),
  network: () => funcs.withOptions({ network: 'app:proxy' }),
  direct: () => funcs.withOptions({ network: null }),
}

export type Operation = keyof typeof callers

export async function permitted(operation: Operation, id: string): Promise<unknown> {
  return callers[operation]().call(id, 'done')
}
