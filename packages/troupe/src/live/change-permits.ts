/**
 * The permissions that a change of entries requires: `registry.apply` for their ids, and everything that an entry does
 * by itself once it exists. Otherwise code could do by way of an entry what it is denied directly.
 */
import { entryId, type EntryId, invalid, nameOf, namespaceOf } from '@troupe/core'
import type { Entry, EntryChange } from '@troupe/registry'
import { kindMatches, variablesIn } from '@troupe/registry'
import { directNetwork } from '@troupe/policy/kernel'

/** Asks the policies of the actor that makes the change. Throws `PermissionDenied`. */
export type AskPolicies = (action: string, resource: string, meta?: Readonly<Record<string, unknown>>) => void

/** Kinds whose entries act by themselves, rather than for a caller. They require the permission for their kind. */
const acting = [
  ...['security.*', 'process.host', 'process.service', 'process.supervisor', 'process.schedule', 'http.*'],
  // They keep data on the disk, and run code for those who published it.
  'queue.*',
  // The kernel dials their proxies and servers in the clear, starts their programs and keeps their keys.
  'network.*',
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
  permitVariable(before, after, ask)
  for (const group of lifecycleGroups(after)) ask('security.grant', group, { id })
  // The author of a change decides where its values go, also those that it had before.
  for (const name of valuesIn(after)) ask('env.get', name)
  for (const [action, overlay] of differing(overlaysOf(before), overlaysOf(after))) ask(action, overlay)
}

/** A new name of a variable must neither be one that no policy knows, nor stand before a variable of that name. */
function permitVariable(before: Entry | undefined, after: Entry, ask: AskPolicies): void {
  if (after.kind !== 'env.variable') return
  const known = new Set(before?.kind === 'env.variable' ? variableNames(before) : [])
  for (const kept of textsOf(after, [after.fields['storage']]))
    ask('registry.apply', entryId(kept, namespaceOf(after.id)))
  for (const name of variableNames(after)) if (!known.has(name)) ask('env.set', name)
}

/** The names by which code and placeholders can mean a variable, besides its id. */
function variableNames(entry: Entry): readonly string[] {
  return [...new Set([...textsOf(entry, [entry.fields['variable']]), nameOf(entry.id)])]
}

/** The variables whose values an entry contains or uses. */
function valuesIn(entry: Entry): ReadonlySet<string> {
  const keys = kindMatches(entry.kind, 'network.*') ? textsOf(entry, [entry.fields['auth_key_env']]) : []
  return new Set([...variablesIn(entry), ...keys])
}

type OverlayUse = readonly ['network.select' | 'network.bind', string]

/** The overlays that an entry uses: of its pin, behind another overlay, and to listen on. */
function overlaysOf(entry: Entry | undefined): readonly OverlayUse[] {
  if (entry === undefined) return []
  const { kind, fields } = entry
  const pin = overlayOf(entry, within(within(entry.meta, 'options'), 'network'))
  const via = kindMatches(kind, 'network.*') ? overlayOf(entry, fields['via']) : undefined
  const network = kind === 'http.service' ? overlayOf(entry, fields['network']) : undefined
  return [
    ...[pin, via].flatMap((overlay) => (overlay === undefined ? [] : [['network.select', overlay] as const])),
    ...(network === undefined || network === directNetwork ? [] : [['network.bind', network] as const]),
  ]
}

function differing(before: readonly OverlayUse[], after: readonly OverlayUse[]): readonly OverlayUse[] {
  return after.filter(([action, overlay]) => !before.some((known) => known[0] === action && known[1] === overlay))
}

function policyGroups(entry: Entry | undefined): readonly string[] {
  return entry !== undefined && kindMatches(entry.kind, 'security.*') ? textsOf(entry, entry.fields['groups']) : []
}

function lifecycleGroups(entry: Entry): readonly string[] {
  return textsOf(entry, within(within(entry.fields['lifecycle'], 'security'), 'groups'))
}

function overlayOf(entry: Entry, network: unknown): EntryId | typeof directNetwork | undefined {
  if (network === null) return directNetwork
  const [text] = textsOf(entry, network === undefined ? [] : [network])
  return text === undefined || text === '' ? undefined : entryId(text, namespaceOf(entry.id))
}

/** The check of the entry rejects anything but a list of texts. */
function textsOf({ id }: Entry, value: unknown): readonly string[] {
  const texts = Array.isArray(value) ? value.filter((each) => typeof each === 'string') : []
  const open = texts.find((text) => text.includes('${'))
  if (open === undefined) return texts
  throw invalid(
    `${id}: in entries that code applies, groups, overlays, storages and variables are written without placeholders`,
    {
      id,
      text: open,
    },
  )
}

function within(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined
}
