/** Keeps secrets out of the log: by the names of fields, and by the values that variables marked `secret` had when they were read. */

const secretName = /^(?:.*[_-])?(?:pass(?:word|wd|phrase)?|auth[_-]?key|api[_-]?key|private[_-]?key|token|secret|authorization|cookie)$/i
const hidden = '[redacted]'
/** Shorter values would tear holes into anything. */
const shortest = 4
const deepest = 8

/** A copy of `value` without secrets, fit for JSON. */
export function redacted(value: unknown, secrets: ReadonlySet<string>, depth = 0): unknown {
  if (typeof value === 'string') return redactedText(value, secrets)
  if (typeof value === 'bigint' || typeof value === 'symbol' || typeof value === 'function') return String(value)
  if (typeof value !== 'object' || value === null) return value
  if (depth === deepest) return '…'
  if (value instanceof Error) return redacted(errorFields(value), secrets, depth)
  if (value instanceof Date) return value.toJSON()
  if (Array.isArray(value)) return value.map((item: unknown) => redacted(item, secrets, depth + 1))
  const pairs = value instanceof Map ? Array.from(value, ([key, item]) => [String(key), item] as const) : Object.entries(value)
  return Object.fromEntries(pairs.map(([key, item]) => [key, isSecret(key) ? hidden : redacted(item, secrets, depth + 1)]))
}

export function redactedText(text: string, secrets: ReadonlySet<string>): string {
  let shown = text
  for (const secret of secrets) if (secret.length >= shortest) shown = shown.replaceAll(secret, hidden)
  return shown
}

function isSecret(key: string): boolean {
  return secretName.test(key) || secretName.test(key.replaceAll(/[A-Z]/g, (letter) => `_${letter}`))
}

function errorFields(error: Error): object {
  const { name, message, stack, cause, ...fields } = error
  return { name, message, ...fields, ...(stack !== undefined && { stack }), ...(cause !== undefined && { cause }) }
}
