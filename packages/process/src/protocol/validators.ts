/**
 * Guards for data from other threads. Each checks one value and returns the path of what is wrong in it; `undefined`
 * for a valid value.
 */
import { isEntryId, isPid } from '@troupe/core'

export type Guard = (value: unknown) => string | undefined

/** The path of the value itself. */
const itself = ''
const longestId = 1024
const longestQuoted = 80
const longestText = 1 << 16
/** Maximum length of a text that may be as long as a file. */
const longestLong = 1 << 27

export const anything: Guard = () => undefined
export const nothing: Guard = (value) => (value === undefined ? undefined : itself)
export const flag: Guard = (value) => (typeof value === 'boolean' ? undefined : itself)
export const text: Guard = (value) => (typeof value === 'string' && value.length <= longestText ? undefined : itself)
export const longText: Guard = (value) => (typeof value === 'string' && value.length <= longestLong ? undefined : itself)
export const count: Guard = (value) => (Number.isSafeInteger(value) && Number(value) >= 0 ? undefined : itself)
export const real: Guard = (value) => (typeof value === 'number' ? undefined : itself)
export const pidText: Guard = (value) => (typeof value === 'string' && value.length <= longestId && isPid(value) ? undefined : itself)
export const entryText: Guard = (value) => (typeof value === 'string' && value.length <= longestId && isEntryId(value) ? undefined : itself)
export const record: Guard = (value) => (isRecord(value) ? undefined : itself)

export function oneOf(...values: readonly unknown[]): Guard {
  return (value) => (values.includes(value) ? undefined : itself)
}

export function optional(guard: Guard): Guard {
  return (value) => (value === undefined ? undefined : guard(value))
}

export function either(...guards: readonly Guard[]): Guard {
  return (value) => (guards.some((guard) => guard(value) === undefined) ? undefined : itself)
}

export function list(guard: Guard, longest: number): Guard {
  return (value) => {
    if (!Array.isArray(value) || value.length > longest) return itself
    for (let i = 0; i < value.length; i += 1) {
      const wrong = guard(value[i])
      if (wrong !== undefined) return `${i}${wrong === itself ? '' : '.'}${wrong}`
    }
    return undefined
  }
}

/** A plain object with exactly these fields. */
export function shape(fields: Readonly<Record<string, Guard>>): Guard {
  const guards = new Map(Object.entries(fields))
  return (value) => {
    if (!isRecord(value)) return itself
    for (const name in value) if (!guards.has(name)) return name
    for (const [name, guard] of guards) {
      const wrong = guard(value[name])
      if (wrong !== undefined) return wrong === itself ? name : `${name}.${wrong}`
    }
    return undefined
  }
}

/** Quotes an untrusted name for an error: it may be any value, of any length. */
export function quoted(name: unknown): string {
  return typeof name === 'string' ? JSON.stringify(name.slice(0, longestQuoted)) : `(${typeof name})`
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
