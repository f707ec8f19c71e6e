/** In whose name a pool opens a connection, for policies to be asked: written into the options that the pool hands on. */
import type { Slot } from '@troupe/core'

/** Key of a stamp in options. */
export const stampKey = Symbol('troupe.stamp')

export interface Stamp {
  slot: Slot | undefined
}

/** The stamp in the options of a connection. */
export function stampIn(options: unknown): Stamp | undefined {
  const stamp: unknown = typeof options === 'object' && options !== null ? Reflect.get(options, stampKey) : undefined
  return isStamp(stamp) ? stamp : undefined
}

function isStamp(value: unknown): value is Stamp {
  return typeof value === 'object' && value !== null && 'slot' in value
}
