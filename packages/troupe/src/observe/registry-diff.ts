/** What changed in the entries of a running application, as an operator may see it: as written, without secrets. */
import { type EntryId, isSecretName } from '@troupe/core'
import type { Entry, Registry } from '@troupe/registry'
import { redacted } from '../log/redact.ts'

/** A change of an entry from one version to another. */
export interface ShownChange {
  readonly op: 'create' | 'update' | 'delete'
  readonly id: EntryId
  readonly kind: string
  /** The entry with its fields; absent where it is created. Values of secrets are `[redacted]`. */
  readonly before?: Readonly<Record<string, unknown>>
  readonly after?: Readonly<Record<string, unknown>>
}

/** @throws TroupeError `NotFound` for a version that is no longer kept. */
export function registryDiff(registry: Registry, from: number, to: number): readonly ShownChange[] {
  const shown = ({ id, kind, meta, fields }: Entry) => {
    const written = { id, kind, ...(Object.keys(meta).length > 0 && { meta }), ...fields }
    return asRecord(redacted(written, registry.env.secrets, isHidden))
  }
  return registry.diff(from, to).map(({ op, id, before, after }) => ({
    op,
    id,
    kind: (after ?? before).kind,
    ...(before && { before: shown(before) }),
    ...(after && { after: shown(after) }),
  }))
}

/** `key` of a token store signs its tokens; `username` is half of the credentials of a proxy. */
function isHidden(field: string): boolean {
  return field === 'key' || field === 'username' || isSecretName(field)
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
