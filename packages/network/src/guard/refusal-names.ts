/** What was refused in this thread, by name. */

/** Maximum number of names; others are counted together. */
const mostNames = 256
const others = 'other'
const refused = new Map<string, number>()

/** Notes a refusal. @param what What was used, as the error names it. */
export function noteRefusal(what: string): void {
  // Without the host, path or descriptor that some texts end with.
  const name = what.replace(/ (?:on the host|to|with|\() ?.*$/s, '')
  const key = refused.has(name) || refused.size < mostNames ? name : others
  refused.set(key, (refused.get(key) ?? 0) + 1)
}

/** Returns what was refused in this thread, and how often. */
export function refusals(): ReadonlyMap<string, number> {
  return refused
}
