/**
 * Removes secrets from everything that the program writes. It recognises fields by their names, the values that
 * variables marked `secret` had when they were read, in several encodings, and text in the form of a credential.
 */
import { isSecretName, secretWords } from '@troupe/core'
import { loggable } from './loggable.ts'

const hidden = '[redacted]'
/** Shorter values would match too much ordinary text. */
const shortest = 4

/** Text in the form of a credential: the part that is kept, and what follows the secret. */
const forms: readonly (readonly [RegExp, string])[] = [
  // Credentials in a URL. The scheme is short: a search for a longer one would begin again at each word of a long text.
  [/\b([a-z][a-z\d+.-]{0,31}:\/\/[^\s:/?#@]*):[^\s/?#]*@/gi, `$1:${hidden}@`],
  [/\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi, `$1 ${hidden}`],
  [
    new RegExp(`((?<![\\w-])["']?(?:[\\w-]*[_-])?(?:${secretWords})["']?=)(?:"[^"]*"|'[^']*'|[^\\s&;,"']+)`, 'gi'),
    `$1${hidden}`,
  ],
  [new RegExp(`(["'](?:[\\w-]*[_-])?(?:${secretWords})["']\\s*:\\s*)(?:"[^"]*"|'[^']*')`, 'gi'), `$1"${hidden}"`],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, hidden],
]

/**
 * A copy of `value` without secrets, fit for JSON.
 *
 * @param isSecret - Whether a field with that name is hidden. @default {@link isSecretName}
 */
export function redacted(value: unknown, secrets: ReadonlySet<string>, isSecret = isSecretName): unknown {
  return loggable(value, {
    text: (text) => redactedText(text, secrets),
    instead: (key) => (isSecret(key) ? hidden : undefined),
  })
}

/**
 * Returns the text without the secrets.
 *
 * @example
 * ```ts
 * redactedText('the key is hunter22', new Set(['hunter22'])) // the key is [redacted]
 * redactedText('https://ann:secret@example.org/', new Set()) // https://ann:[redacted]@example.org/
 * ```
 */
export function redactedText(text: string, secrets: ReadonlySet<string>): string {
  let shown = text
  for (const spelling of spellingsOf(secrets)) shown = shown.replaceAll(spelling, hidden)
  for (const [form, kept] of forms) shown = shown.replaceAll(form, kept)
  return shown
}

const known = new WeakMap<ReadonlySet<string>, { readonly size: number; readonly spellings: readonly string[] }>()

/** Secrets in plain form, in URLs, in JSON and in base64; the longest first, so that no partial match leaves a rest. */
function spellingsOf(secrets: ReadonlySet<string>): readonly string[] {
  const before = known.get(secrets)
  if (before?.size === secrets.size) return before.spellings
  const all = [...secrets].filter((secret) => secret.length >= shortest).flatMap(spell)
  const spellings = [...new Set(all)].toSorted((a, b) => b.length - a.length)
  known.set(secrets, { size: secrets.size, spellings })
  return spellings
}

function spell(secret: string): readonly string[] {
  // Each line of a secret of several lines, such as a key, is also a secret.
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
