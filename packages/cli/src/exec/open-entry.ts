/** An overlay that an entry of an application describes. */
import { type EntryId, entryId, notFound } from '@troupe/core'
import { OverlayTable, socks5Kind } from '@troupe/network/kernel'
import { didYouMean, diagnosticsError, type Registry, variablesIn } from '@troupe/registry'
import { load } from 'troupe/app'
import type { ExecOptions } from './exec-options.ts'
import type { OpenOverlay, Say } from './overlay-parts.ts'

/** Opens the overlay, and those that lead to it. @throws TroupeError `NotFound`, `Invalid`, `Unavailable` */
export async function openEntry(text: string, { root, config, profiles }: ExecOptions, say: Say): Promise<OpenOverlay> {
  const loaded = await load({ root, ...(config.length > 0 && { config }), ...(profiles.length > 0 && { profiles }) })
  const { registry, problems } = loaded
  if (problems.length > 0) throw diagnosticsError(problems)
  const id = entryId(text)
  const known = registry.find({ kind: 'network.*' }).map((entry) => entry.id)
  if (!known.includes(id))
    throw notFound(`there is no overlay ${id} in ${root}${didYouMean(id, known)}`, { overlay: id })
  await using stack = new AsyncDisposableStack()
  const overlays = stack.use(new OverlayTable(registry, { stateDir: loaded.config.networkService.stateDir, log: say }))
  const chain = chainTo(registry, id)
  for (const each of chain) await overlays.add(each)
  const held = stack.move()
  return {
    id,
    route: overlays.route(id),
    variables: chain.flatMap((each) => variablesOf(registry, each)),
    [Symbol.asyncDispose]: async () => held.disposeAsync(),
  }
}

/** The overlays to open, in this order. */
function chainTo(registry: Registry, id: EntryId): readonly EntryId[] {
  const via = registry.get(id).kind === socks5Kind.kind ? registry.decode(id, socks5Kind).fields.via : undefined
  return via === undefined ? [id] : [...chainTo(registry, via), id]
}

function variablesOf(registry: Registry, id: EntryId): readonly string[] {
  const entry = registry.get(id)
  const named: unknown = entry.fields['auth_key_env']
  return [...variablesIn(entry), ...(typeof named === 'string' ? [named] : [])]
}
