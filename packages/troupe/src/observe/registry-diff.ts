/** What changed in the entries of a running application, as an operator may see it: as written, without secrets. */
import { type EntryId, isSecretName, nameOf } from '@troupe/core'
import type { Entry, Registry } from '@troupe/registry'
import { redacted } from '../log/redact.ts'

/** A change of an entry from one version to another. */
export interface ShownChange {
  /** What happened to the entry. */
  readonly op: 'create' | 'update' | 'delete'
  /** The id of the entry. */
  readonly id: EntryId
  /** The kind of the entry. */
  readonly kind: string
  /** The entry with its fields; absent where it is created. Values of secrets are `[redacted]`. */
  readonly before?: Readonly<Record<string, unknown>>
  /** The fields after the change; absent for a deleted entry. */
  readonly after?: Readonly<Record<string, unknown>>
}

/** @throws TroupeError `NotFound` for a version that is no longer kept. */
export function registryDiff(registry: Registry, from: number, to: number): readonly ShownChange[] {
  const changes = registry.diff(from, to)
  const changed = changes.flatMap(({ before, after }) => [before, after].filter((entry) => entry !== undefined))
  const secret = new Set([...registry.entries(), ...changed].filter(isSecretVariable).map(variableOf))
  const shown = (entry: Entry) => {
    const { id, kind, meta, fields } = entry
    const written = { id, kind, ...(Object.keys(meta).length > 0 && { meta }), ...fields }
    const isHidden = (field: string) => isSecretField(field) || holdsVariable(entry, field, secret)
    return asRecord(redacted(written, registry.env.secrets, isHidden))
  }
  return changes.map(({ op, id, before, after }) => ({
    op,
    id,
    kind: (after ?? before).kind,
    ...(before && { before: shown(before) }),
    ...(after && { after: shown(after) }),
  }))
}

/** `key` of a token store signs its tokens; `username` is half of the credentials of a proxy. */
function isSecretField(field: string): boolean {
  return field === 'key' || field === 'username' || isSecretName(field)
}

/** Whether a field has the value of a secret variable, which nothing may have read yet. */
function holdsVariable(entry: Entry, field: string, secret: ReadonlySet<unknown>): boolean {
  return entry.kind === 'env.storage.static' ? secret.has(field) : field === 'default' && isSecretVariable(entry)
}

function isSecretVariable({ kind, fields }: Entry): boolean {
  return kind === 'env.variable' && fields['secret'] === true
}

/** Its name in its storage. */
function variableOf({ id, fields }: Entry): unknown {
  return fields['variable'] ?? nameOf(id)
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
