/** What the bodies of batches contain: signals between two threads, and what concerns their channel. */
import type { EntryId, WireError } from '@troupe/core'
import { decodeWithin, encode, wireError } from '@troupe/process/link'
import { count, either, entryText, list, oneOf, shape } from '@troupe/process/protocol'

interface Between {
  /** Number of a thread of the node that sends this. */
  readonly from: number
  /** Number of a thread of the node that receives it. */
  readonly to: number
}

export type NodeItem =
  /** The thread is in that network, and may be reached by the other. */
  | (Between & { readonly op: 'open'; readonly overlay: EntryId | null })
  /** A batch of signals. */
  | (Between & { readonly op: 'signals'; readonly bytes: Uint8Array })
  /** The channel is closed, or was never there. */
  | (Between & { readonly op: 'close'; readonly error: WireError })

const mostItems = 1 << 16
const bytes = (value: unknown) => (value instanceof Uint8Array && value.length > 0 ? undefined : '')
const between = { from: count, to: count }
const items = list(
  either(
    shape({ op: oneOf('signals'), ...between, bytes }),
    shape({ op: oneOf('open'), ...between, overlay: either(oneOf(null), entryText) }),
    shape({ op: oneOf('close'), ...between, error: wireError }),
  ),
  mostItems,
)

export function encodeItems(all: readonly NodeItem[]): Uint8Array<ArrayBuffer> {
  return encode(all)
}

/** Returns what is wrong with a body, if it is none. */
export function decodeItems(body: Uint8Array): readonly NodeItem[] | string {
  try {
    const value = decodeWithin(body)
    const wrong = items(value)
    if (wrong !== undefined || !isItems(value)) return `its body is wrong at "${wrong ?? ''}"`
    return value
  } catch (error) {
    return `its body cannot be decoded: ${error instanceof Error ? error.message : String(error)}`
  }
}

function isItems(value: unknown): value is readonly NodeItem[] {
  return Array.isArray(value)
}
