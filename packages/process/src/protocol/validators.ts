/**
 * Guards for data from other threads. Each checks one value and returns the path of what is wrong in it; `undefined`
 * for a valid value.
 */
import { isEntryId, isPid } from '@troupe/core'

export type Guard = (value: unknown) => string | undefined

/** The guards of values that may be large: they hold anything that structured clone carries, or long texts. */
const searched = new WeakSet<Guard>()

/** Whether a value that passes a guard may be large, or hold handles, so that it is searched and weighed. */
export function isSearched(guard: Guard): boolean {
  return searched.has(guard)
}

/** Marks the guard of values that must be searched and weighed. */
export function searching(guard: Guard): Guard {
  searched.add(guard)
  return guard
}

function made(guard: Guard, parts: Iterable<Guard>): Guard {
  for (const part of parts) if (searched.has(part)) searched.add(guard)
  return guard
}

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
export const text = textUpTo(longestText)
export const longText = textUpTo(longestLong)
export const count: Guard = (value) => (Number.isSafeInteger(value) && Number(value) >= 0 ? undefined : itself)
export const real: Guard = (value) => (typeof value === 'number' ? undefined : itself)
export const pidText: Guard = (value) =>
  typeof value === 'string' && value.length <= longestId && isPid(value) ? undefined : itself
/** A place of another node: `web~3f|8`. */
export const placeText: Guard = (value) =>
  typeof value === 'string' && value.length <= longestId && value.includes('|') && isPid(`<${value}.0>`)
    ? undefined
    : itself
export const entryText: Guard = (value) => {
  if (value === lastEntry) return undefined
  if (typeof value !== 'string' || value.length > longestId || !isEntryId(value)) return itself
  lastEntry = value
  return undefined
}
/** The entry that was valid last: most messages concern few. */
let lastEntry: string | undefined
export const record: Guard = (value) => (isRecord(value) ? undefined : itself)
export const bytes: Guard = (value) => (value instanceof Uint8Array ? undefined : itself)
for (const guard of [anything, record, longText, bytes]) searching(guard)

/** A text of at most that many characters. */
export function textUpTo(longest: number): Guard {
  return (value) => (typeof value === 'string' && value.length <= longest ? undefined : itself)
}

export function oneOf(...values: readonly unknown[]): Guard {
  return (value) => (values.includes(value) ? undefined : itself)
}

export function optional(guard: Guard): Guard {
  return made((value) => (value === undefined ? undefined : guard(value)), [guard])
}

export function either(...guards: readonly Guard[]): Guard {
  return made((value) => {
    for (const guard of guards) if (guard(value) === undefined) return undefined
    return itself
  }, guards)
}

export function list(guard: Guard, longest: number): Guard {
  const whole: Guard = (value) => {
    if (!Array.isArray(value) || value.length > longest) return itself
    if (guard === anything) return undefined
    for (let i = 0; i < value.length; i += 1) {
      const wrong = guard(value[i])
      if (wrong !== undefined) return `${i}${wrong === itself ? '' : '.'}${wrong}`
    }
    return undefined
  }
  return made(whole, [guard])
}

interface Field {
  readonly guard: Guard
  /** Whether it may not be absent. */
  readonly isRequired: boolean
}

/** A plain object with exactly these fields. Only those that are there take time. */
export function shape(fields: Readonly<Record<string, Guard>>): Guard {
  const known = new Map<string, Field>()
  for (const [name, guard] of Object.entries(fields))
    known.set(name, { guard, isRequired: guard(undefined) !== undefined })
  const required = [...known].filter(([, field]) => field.isRequired).map(([name]) => name)
  const whole: Guard = (value) => {
    if (!isRecord(value)) return itself
    let present = 0
    for (const name in value) {
      const field = known.get(name)
      if (field === undefined) return name
      const wrong = field.guard(value[name])
      if (wrong !== undefined) return wrong === itself ? name : `${name}.${wrong}`
      if (field.isRequired) present += 1
    }
    return present === required.length ? undefined : required.find((name) => !(name in value))
  }
  return made(whole, Object.values(fields))
}

/** Quotes an untrusted name for an error: it may be any value, of any length. */
export function quoted(name: unknown): string {
  return typeof name === 'string' ? JSON.stringify(name.slice(0, longestQuoted)) : `(${typeof name})`
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
