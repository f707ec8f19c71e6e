/** Threads tell the kernel when a dial has failed because of the overlay itself, so that it looks. It is a hint: nothing secret, nothing sure. */
import { type EntryId, isEntryId, TroupeError } from '@troupe/core'
import { BroadcastChannel } from '../guard/node/broadcast-channel.ts'

const name = 'overlay trouble'
/** Milliseconds in which a thread tells it once of each overlay. */
const quiet = 1000

const told = new Map<EntryId, number>()

/** Tells of a dial that `thrown` has ended, where it is the overlay that failed and not the target or the caller. */
export function reportTrouble(overlay: EntryId, thrown: unknown): void {
  if (!(thrown instanceof TroupeError) || !isOfOverlay(thrown)) return
  const now = performance.now()
  if (now - (told.get(overlay) ?? -quiet) < quiet) return
  told.set(overlay, now)
  const channel = new BroadcastChannel(name)
  channel.postMessage(overlay)
  channel.close()
}

/** What a target answered shows that the overlay works; the caller's own patience shows nothing. */
function isOfOverlay({ kind, details }: TroupeError): boolean {
  if (kind === 'Timeout') return details['limit'] !== undefined
  return kind === 'Unavailable' && !('replyCode' in details)
}

/** Hears of trouble, until it is disposed of. It keeps no program alive. */
export function onTrouble(onTrouble: (overlay: EntryId) => void): Disposable {
  const channel = new BroadcastChannel(name)
  channel.addEventListener('message', (event) => {
    const overlay: unknown = 'data' in event ? event.data : undefined
    if (typeof overlay === 'string' && isEntryId(overlay)) onTrouble(overlay)
  })
  channel.unref()
  return { [Symbol.dispose]: () => channel.close() }
}
