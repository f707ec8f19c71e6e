/** Commands that this shell runs itself. */

/** Their names. */
export const builtinNames: ReadonlySet<string> = new Set([
  'cd',
  'echo',
  'exit',
  'export',
  'false',
  'true',
  ':',
  'exec',
  'set',
])
