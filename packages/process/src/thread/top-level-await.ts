/**
 * Finds where a module waits before it has loaded: Node does not report this for a top-level `await` that never
 * settles.
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/**
 * Statements at the left margin, where top-level statements are. Inside a template literal this may be wrong: it is
 * only a hint.
 */
const waits = /^(?:export\s+)?(?:(?:const|let|var)\s[^=\n]*=\s*)?(?:void\s+|\w+\s*=\s*)?(?:await\b|for\s+await\b)/
const imports = /^\s*(?:import|export)\b[^'"\n]*(?:\n[^'"]*)*?['"](\.{1,2}\/[^'"]+)['"]/gm
const mostFiles = 500

/** Returns the places of top-level `await`s in the module at `url` and its relative imports: `/app/src/db.ts:3`. */
export function topLevelAwaits(url: string): readonly string[] {
  const found: string[] = []
  const seen = new Set<string>()
  const open = [fileOf(url)]
  for (let file = open.shift(); file !== undefined && seen.size < mostFiles; file = open.shift()) {
    if (seen.has(file)) continue
    seen.add(file)
    const text = textOf(file)
    for (const [index, line] of text.split('\n').entries()) if (waits.test(line)) found.push(`${file}:${index + 1}`)
    for (const [, specifier = ''] of text.matchAll(imports))
      open.push(fileOf(new URL(specifier, `file://${file}`).href))
  }
  return found
}

function fileOf(url: string): string | undefined {
  const { protocol, pathname } = new URL(url)
  return protocol === 'file:' ? fileURLToPath(`file://${pathname}`) : undefined
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
