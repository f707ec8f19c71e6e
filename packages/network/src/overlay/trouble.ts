/**
 * Threads notify the kernel when a dial fails because of the overlay itself, so that the kernel checks it. The
 * notification is a hint: it carries no secrets and proves nothing.
 */
import { type EntryId, isEntryId, TroupeError } from '@troupe/core'
import { BroadcastChannel } from '../guard/node/broadcast-channel.ts'

const name = 'overlay trouble'
/** Milliseconds during which a thread sends at most one notification for each overlay. */
const quiet = 1000

const lastReports = new Map<EntryId, number>()

/** Reports a dial that failed with `thrown`, if the overlay caused the failure and not the target or the caller. */
export function reportTrouble(overlay: EntryId, thrown: unknown): void {
  if (!(thrown instanceof TroupeError) || !isOfOverlay(thrown)) return
  const now = performance.now()
  if (now - (lastReports.get(overlay) ?? -quiet) < quiet) return
  lastReports.set(overlay, now)
  const channel = new BroadcastChannel(name)
  channel.postMessage(overlay)
  channel.close()
}

/** A response from the target shows that the overlay works; a timeout or cancellation by the caller shows nothing. */
function isOfOverlay({ kind, details }: TroupeError): boolean {
  if (kind === 'Timeout') return details['limit'] !== undefined
  return kind === 'Unavailable' && !('replyCode' in details)
}

/** Calls `onTrouble` for each report, until disposed. Does not keep the program alive. */
export function onTrouble(onTrouble: (overlay: EntryId) => void): Disposable {
  const channel = new BroadcastChannel(name)
  channel.addEventListener('message', (event) => {
    const overlay: unknown = 'data' in event ? event.data : undefined
    if (typeof overlay === 'string' && isEntryId(overlay)) onTrouble(overlay)
  })
  channel.unref()
  return { [Symbol.dispose]: () => channel.close() }
}
