/** Values that YAML can represent. Code's input is copied, so that later changes to it have no effect. */
import { invalid } from '@troupe/core'

const maxDepth = 64

/**
 * Returns a frozen copy of `value`. Fields that are `undefined` are left out.
 *
 * @throws TroupeError `Invalid` for anything but text, a finite number, a boolean, `null`, a list or a mapping.
 */
export function plainCopy(value: unknown, path: string, depth = 0): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)) return value
  if (depth > maxDepth) throw invalid(`${path}: it is nested more than ${maxDepth} deep`)
  if (Array.isArray(value))
    return Object.freeze(value.map((item: unknown, index) => plainCopy(item, `${path}[${index}]`, depth + 1)))
  if (!isMapping(value))
    throw invalid(`${path}: an entry holds text, numbers, booleans, null, lists and mappings, not ${nameOf(value)}`)
  const pairs = Object.entries(value).filter(([, item]) => item !== undefined)
  if (pairs.some(([key]) => key === '__proto__')) throw invalid(`${path}: "__proto__" cannot be a key`)
  return Object.freeze(
    Object.fromEntries(pairs.map(([key, item]) => [key, plainCopy(item, `${path}.${key}`, depth + 1)])),
  )
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function nameOf(value: unknown): string {
  return typeof value === 'object' && value !== null ? `a ${value.constructor.name}` : String(value)
}
