/** Requests about entries and variables. */
import type { KernelParts } from './kernel-parts.ts'
import type { OwnHandlers } from './request-handler.ts'

type RegistryRequest = 'entry' | 'entries' | 'getEnv' | 'setEnv'

export function registryHandlers({
  authorizer,
  registry,
}: Pick<KernelParts, 'authorizer' | 'registry'>): Pick<OwnHandlers, RegistryRequest> {
  return {
    entry: ({ id }, { record }) => {
      authorizer.check(record, 'registry.get', id)
      return registry.get(id)
    },
    entries: (query, { record }) =>
      registry.find(query).filter(({ id }) => authorizer.allows(record, 'registry.get', id)),
    getEnv: ({ name }, { record }) => {
      authorizer.check(record, 'env.get', name)
      return registry.env.get(registry.env.namesOf(name)[0])
    },
    setEnv: ({ name, value }, { record }) => {
      authorizer.check(record, 'env.set', name)
      registry.env.set(registry.env.namesOf(name)[0], value)
    },
  }
}
