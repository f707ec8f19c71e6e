/**
 * Keeps secrets out of whatever the program writes: by the names of fields, by the values that variables marked `secret` had when they were
 * read, however these are encoded, and where text has the form of a credential.
 */
import { isSecretName, secretWords } from '@troupe/core'
import { loggable } from './loggable.ts'

const hidden = '[redacted]'
/** Shorter values would tear holes into anything. */
const shortest = 4

/** Text that has the form of a credential: what of it is kept, and what follows the secret. */
const forms: readonly (readonly [RegExp, string])[] = [
  // Credentials in a URL.
  [/\b([a-z][a-z\d+.-]*:\/\/[^\s:/?#@]*):[^\s/?#]*@/gi, `$1:${hidden}@`],
  [/\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi, `$1 ${hidden}`],
  [new RegExp(`((?<![\\w-])["']?(?:[\\w-]*[_-])?(?:${secretWords})["']?=)(?:"[^"]*"|'[^']*'|[^\\s&;,"']+)`, 'gi'), `$1${hidden}`],
  [new RegExp(`(["'](?:[\\w-]*[_-])?(?:${secretWords})["']\\s*:\\s*)(?:"[^"]*"|'[^']*')`, 'gi'), `$1"${hidden}"`],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, hidden],
]

/** A copy of `value` without secrets, fit for JSON. */
export function redacted(value: unknown, secrets: ReadonlySet<string>): unknown {
  return loggable(value, {
    text: (text) => redactedText(text, secrets),
    instead: (key) => (isSecretName(key) ? hidden : undefined),
  })
}

export function redactedText(text: string, secrets: ReadonlySet<string>): string {
  let shown = text
  for (const spelling of spellingsOf(secrets)) shown = shown.replaceAll(spelling, hidden)
  for (const [form, kept] of forms) shown = shown.replaceAll(form, kept)
  return shown
}

const known = new WeakMap<ReadonlySet<string>, { readonly size: number; readonly spellings: readonly string[] }>()

/** Secrets as they are, in URLs, in JSON and in base64; the longest first, so that none leaves its rest behind. */
function spellingsOf(secrets: ReadonlySet<string>): readonly string[] {
  const before = known.get(secrets)
  if (before?.size === secrets.size) return before.spellings
  const all = [...secrets].filter((secret) => secret.length >= shortest).flatMap(spell)
  const spellings = [...new Set(all)].toSorted((a, b) => b.length - a.length)
  known.set(secrets, { size: secrets.size, spellings })
  return spellings
}

function spell(secret: string): readonly string[] {
  // A line of a secret of many lines, such as a key, is one too.
  const lines = secret.split('\n').filter((line) => line.length >= 16)
  const base64 = Buffer.from(secret).toString('base64')
  return [
    secret,
    ...lines,
    encodeURIComponent(secret.toWellFormed()),
    JSON.stringify(secret).slice(1, -1),
    base64,
    base64.replace(/=+$/, ''),
  ]
}
