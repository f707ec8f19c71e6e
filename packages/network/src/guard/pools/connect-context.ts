/** In whose name a pool opens a connection, for policies to be asked: written into the options that the pool hands on. */
import type { Slot } from '@troupe/core'

/** Key of a stamp in options. */
export const contextKey = Symbol('troupe.stamp')

export interface ConnectContext {
  slot: Slot | undefined
}

/** The stamp in the options of a connection. */
export function contextIn(options: unknown): ConnectContext | undefined {
  const context: unknown = typeof options === 'object' && options !== null ? Reflect.get(options, contextKey) : undefined
  return isStamp(context) ? context : undefined
}

function isStamp(value: unknown): value is ConnectContext {
  return typeof value === 'object' && value !== null && 'slot' in value
}
