/** Who may send the requests of this package, and what they contain. */
import {
  anything,
  count,
  readsRegistry,
  type RequestRules,
  type RestrictedAction,
  shape,
} from '@troupe/process/protocol'
import type { RegistryRequests } from './protocol.ts'

function changesRegistry(): RestrictedAction {
  return { name: 'change the registry', action: 'registry.apply', resource: '*', byPolicy: true }
}

export const registryRequests: RequestRules<keyof RegistryRequests> = {
  apply: { by: 'anyone', ask: shape({ changes: anything }), beyondSeal: changesRegistry },
  version: { by: 'anyone', ask: shape({}) },
  history: { by: 'anyone', ask: shape({}), beyondSeal: () => readsRegistry('*') },
  rollback: { by: 'anyone', ask: shape({ version: count }), beyondSeal: changesRegistry },
}
