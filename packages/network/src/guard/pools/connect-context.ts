/** On whose behalf a pool opens a connection, for the policy check: stored in the options that the pool passes on. */
import type { Slot } from '@troupe/core'

/** Key of the context in options. */
export const contextKey = Symbol('troupe.stamp')

export interface ConnectContext {
  slot: Slot | undefined
}

/** Returns the context in the options of a connection. */
export function contextIn(options: unknown): ConnectContext | undefined {
  const context: unknown =
    typeof options === 'object' && options !== null ? Reflect.get(options, contextKey) : undefined
  return isStamp(context) ? context : undefined
}

function isStamp(value: unknown): value is ConnectContext {
  return typeof value === 'object' && value !== null && 'slot' in value
}
