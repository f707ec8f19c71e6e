/** The kinds of overlays of this package, and what they say of an entry without a running overlay. */
import type { EntryId } from '@troupe/core'
import type { Kind } from '@troupe/registry'
import { i2pOverlay } from '../drivers/i2p/driver.ts'
import { socks5Overlay } from '../drivers/socks5/driver.ts'
import { tailscaleOverlay } from '../drivers/tailscale/driver.ts'
import type { Entries, Examined, ExaminationSite, OverlayKind } from './overlay-kind.ts'
import { tsnetPackage } from './tsnet-package.ts'

const sidecar = async () => (await (await tsnetPackage('network.tailscale')).findSidecar()).path

/** The kinds of overlays that this package implements. */
export const overlayKinds: readonly OverlayKind[] = [socks5Overlay, i2pOverlay, tailscaleOverlay(sidecar)]

/** The registry kinds of the overlay entries; pass them to the registry. */
export const networkKinds: readonly Kind[] = overlayKinds.map(({ kind }) => kind)

/**
 * Returns the address of the overlay of an entry, from the state kept in `stateDir`. The overlay need not run.
 *
 * @example
 * ```ts
 * const { registry, config } = await load({ root: '.' })
 * const [overlay] = registry.find({ kind: 'network.i2p' })
 * if (overlay !== undefined) console.log(await keptAddress(overlay, config.networkService.stateDir))
 * ```
 *
 * @throws TroupeError `Invalid` for a state that other users can access, or that is damaged.
 */
export async function keptAddress(
  { id, kind }: { readonly id: EntryId; readonly kind: string },
  stateDir: string,
): Promise<string | undefined> {
  return overlayKinds.find((known) => known.kind.kind === kind)?.keptAddress?.(id, stateDir)
}

/**
 * Checks whether what an overlay of the entry needs is there, without starting one: its endpoints, its login, its
 * programs. Never rejects. Kinds that cannot be checked so give an empty list.
 */
export async function examineOverlay(
  entries: Entries,
  id: EntryId,
  site: ExaminationSite,
): Promise<readonly Examined[]> {
  const { kind } = entries.get(id)
  try {
    return (await overlayKinds.find((known) => known.kind.kind === kind)?.examine?.(entries, id, site)) ?? []
  } catch (error) {
    return [{ part: 'the overlay', state: 'down', reason: error instanceof Error ? error.message : String(error) }]
  }
}

/** Returns the maximum milliseconds until a server listens on it; `undefined`: the start time of a service. */
export function listenTime(entries: Entries, id: EntryId): number | undefined {
  const { kind } = entries.get(id)
  return overlayKinds.find((known) => known.kind.kind === kind)?.listenTime?.(entries, id)
}
