/**
 * The permissions that a change of entries requires: `registry.apply` for their ids, and everything that an entry does
 * by itself once it exists. Otherwise code could do by way of an entry what it is denied directly.
 */
import { entryId, type EntryId, invalid, namespaceOf } from '@troupe/core'
import type { Entry, EntryChange } from '@troupe/registry'
import { kindMatches, variablesIn } from '@troupe/registry'
import { directNetwork } from '@troupe/policy/kernel'

/** Asks the policies of the actor that makes the change. Throws `PermissionDenied`. */
export type AskPolicies = (action: string, resource: string, meta?: Readonly<Record<string, unknown>>) => void

/** Kinds whose entries act by themselves, rather than for a caller. They require the permission for their kind. */
const acting = [
  ...['security.*', 'process.host', 'process.service', 'process.supervisor', 'http.*'],
  // They read data that is not the application's, or that other entries keep.
  ...['env.storage.os', 'env.storage.file', 'env.storage.router'],
]

/**
 * @throws TroupeError `PermissionDenied`, with action and resource; `Invalid` for a change that policies cannot judge.
 */
export function permitChange({ id, before, after }: EntryChange, ask: AskPolicies): void {
  ask('registry.apply', id)
  for (const kind of new Set([before?.kind, after?.kind])) {
    if (kind !== undefined && acting.some((pattern) => kindMatches(kind, pattern))) ask('registry.apply', kind, { id })
  }
  // A created, changed or deleted policy changes what its groups allow.
  for (const group of new Set([...policyGroups(before), ...policyGroups(after)])) ask('security.grant', group, { id })
  if (after === undefined) return
  // Another name of a variable would be one that no policy knows.
  const storage = after.kind === 'env.variable' ? after.fields['storage'] : undefined
  for (const kept of textsOf(after, [storage])) ask('registry.apply', entryId(kept, namespaceOf(id)))
  for (const group of lifecycleGroups(after)) ask('security.grant', group, { id })
  const known = new Set(before === undefined ? [] : variablesIn(before))
  for (const name of variablesIn(after)) if (!known.has(name)) ask('env.get', name)
  const pin = pinOf(after)
  if (pin !== undefined && pin !== (before && pinOf(before))) ask('network.select', pin)
}

function policyGroups(entry: Entry | undefined): readonly string[] {
  return entry !== undefined && kindMatches(entry.kind, 'security.*') ? textsOf(entry, entry.fields['groups']) : []
}

function lifecycleGroups(entry: Entry): readonly string[] {
  return textsOf(entry, within(within(entry.fields['lifecycle'], 'security'), 'groups'))
}

function pinOf(entry: Entry): EntryId | typeof directNetwork | undefined {
  const network = within(within(entry.meta, 'options'), 'network')
  if (network === null) return directNetwork
  const [text] = textsOf(entry, network === undefined ? [] : [network])
  return text === undefined || text === '' ? undefined : entryId(text, namespaceOf(entry.id))
}

/** The check of the entry rejects anything but a list of texts. */
function textsOf({ id }: Entry, value: unknown): readonly string[] {
  const texts = Array.isArray(value) ? value.filter((each) => typeof each === 'string') : []
  const open = texts.find((text) => text.includes('${'))
  if (open === undefined) return texts
  throw invalid(`${id}: where code applies an entry, its groups, network and storage are written out, without placeholders`, {
    id,
    text: open,
  })
}

function within(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined
}
