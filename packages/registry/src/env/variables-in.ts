/** Finds the variables that an entry's placeholders name. */
import type { Entry } from '../entries/entry.ts'
import { parseTemplate } from '../config/placeholders.ts'

/** Returns each variable once. */
export function variablesIn({ fields, meta }: Pick<Entry, 'fields' | 'meta'>): ReadonlySet<string> {
  const names = new Set<string>()
  const rest: unknown[] = [fields, meta]
  const seen = new Set<object>()
  while (rest.length > 0) {
    const value = rest.pop()
    if (typeof value === 'string') {
      for (const part of parseTemplate(value).parts) if (part.type === 'variable') names.add(part.name)
    } else if (typeof value === 'object' && value !== null && !seen.has(value)) {
      seen.add(value)
      const parts: readonly unknown[] = Object.values(value)
      for (const part of parts) rest.push(part)
    }
  }
  return names
}
