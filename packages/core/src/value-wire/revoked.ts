/** Revoked proxies: every operation on them throws, even `Array.isArray`. */
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
