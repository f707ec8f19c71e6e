/** Names of fields and variables whose values are secrets. */

/** The endings of such a name, after a `_`, a `-` or a change of case. */
export const secretWords =
  'pass(?:word|wd|phrase|code)?|pwd|(?:auth|api|private|secret|access|signing|encryption)[_-]?key|' +
  'token|secret|authorization|credentials?|cookie|jwt'

const name = new RegExp(
  `(?:^|[_-])(?:${secretWords})$|(?:password|passwd|passphrase|secret|apikey|authkey|accesstoken|refreshtoken)$`,
  'i',
)

/**
 * Returns whether a field or variable with that name holds a secret: `password`, `apiKey`, `DB_PASSWORD`, `set-cookie`.
 */
export function isSecretName(text: string): boolean {
  return name.test(text) || name.test(text.replaceAll(/[A-Z]/g, (letter) => `_${letter}`))
}
