/** In whose name a pool opens a connection, which happens in whatever context it happens: written into the options that it hands on. */
import { currentSlot, type Slot } from '@troupe/core'
import { networkKey } from './pool-key.ts'

/** Key of a stamp in options. */
export const stampKey = Symbol('troupe.stamp')

export interface Stamp {
  slot: Slot
  /** As it was when the stamp was made: a pool that files a connection under it finds it again. */
  readonly key: string
}

/** A stamp for the code that runs; `undefined` where no frame is in force. */
export function stampNow(): Stamp | undefined {
  const slot = currentSlot()
  return slot && { slot, key: networkKey() }
}

/** The stamp in the options of a connection. */
export function stampIn(options: unknown): Stamp | undefined {
  const stamp: unknown = typeof options === 'object' && options !== null ? Reflect.get(options, stampKey) : undefined
  return isStamp(stamp) ? stamp : undefined
}

function isStamp(value: unknown): value is Stamp {
  return typeof value === 'object' && value !== null && 'slot' in value && 'key' in value
}
