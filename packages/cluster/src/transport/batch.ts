/**
 * A batch between two nodes, as bytes: `[protocol u8][flags u8][session u64][number u32][ack u32]`, then a part of a
 * body. Numbers are the low 32 bits of a count that only grows.
 */

/** Version of the protocol. */
const protocol = 1
const headerBytes = 18

const more = 1
const again = 2
const reset = 4
const bare = 8
const known = more | again | reset | bare

export interface Batch {
  /** Identifies the session: which two incarnations, and how often it was reset. */
  readonly session: bigint
  /** The body continues in the next batch. */
  readonly hasMore: boolean
  /** The sender missed a batch: all that it has not acknowledged is to be sent again. */
  readonly asksAgain: boolean
  /** The sender began this session because the one before it was broken. */
  readonly isReset: boolean
  /** Carries nothing but its header, and has no number. */
  readonly isBare: boolean
  readonly number: number
  /** The last batch that the sender has taken. */
  readonly ack: number
  readonly body: Uint8Array
}

const session = 2
const number = 10
const ack = 14

export function encodeBatch(batch: Batch): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(headerBytes + batch.body.length)
  const view = new DataView(bytes.buffer)
  view.setUint8(0, protocol)
  const { hasMore, asksAgain, isReset, isBare } = batch
  view.setUint8(1, (hasMore ? more : 0) | (asksAgain ? again : 0) | (isReset ? reset : 0) | (isBare ? bare : 0))
  view.setBigUint64(session, batch.session)
  view.setUint32(number, batch.number)
  view.setUint32(ack, batch.ack)
  bytes.set(batch.body, headerBytes)
  return bytes
}

/** Returns what is wrong with the bytes, if they are no batch. The body is a view of them. */
export function decodeBatch(bytes: Uint8Array): Batch | string {
  if (bytes.length < headerBytes) return `it has ${bytes.length} bytes, fewer than a header`
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const version = view.getUint8(0)
  if (version !== protocol) return `it has version ${version} of the protocol, and this node has version ${protocol}`
  const flags = view.getUint8(1)
  if ((flags & ~known) !== 0) return `it has unknown flags: ${flags}`
  const isBare = (flags & bare) !== 0
  const isEmpty = bytes.length === headerBytes
  if (isBare !== isEmpty) return isBare ? 'it has a body, and is marked as one without' : 'it has no body'
  if (isBare && (flags & more) !== 0) return 'it has no body that could continue'
  return {
    session: view.getBigUint64(session),
    hasMore: (flags & more) !== 0,
    asksAgain: (flags & again) !== 0,
    isReset: (flags & reset) !== 0,
    isBare,
    number: view.getUint32(number),
    ack: view.getUint32(ack),
    body: bytes.subarray(headerBytes),
  }
}

/** The count whose low 32 bits are `low`, next to a count that is known. */
export function fullNumber(near: number, low: number): number {
  return near + ((low - near) | 0)
}
