/** Proxies of which nothing is left: whatever is asked of them throws, even whether they are lists. */
import { types } from 'node:util'

export function isRevoked(value: object): boolean {
  if (!types.isProxy(value)) return false
  try {
    Array.isArray(value)
    return false
  } catch {
    return true
  }
}
