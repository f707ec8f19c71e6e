/**
 * Placeholders in strings: `${env:NAME}`, `${env:NAME|default}`, `${NAME|default}`, and `$${` for a literal `${`. A
 * default ends at the next `}`.
 */

/** A part of a string: text, or a variable to insert. */
export type TemplatePart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'variable'; readonly name: string; readonly fallback: string | undefined }

export interface Template {
  readonly parts: readonly TemplatePart[]
  /** The problem of the first malformed placeholder. */
  readonly fault?: string
}

const variable = /^(?:env:)?([A-Za-z_][\w.-]*(?::[A-Za-z_][\w.-]*)?)(?:\|([^]*))?$/

/** Returns the parts of `text`. Never throws. */
export function parseTemplate(text: string): Template {
  const parts: TemplatePart[] = []
  let plain = ''
  let at = 0
  while (at < text.length) {
    const open = text.indexOf('${', at)
    if (open < 0) break
    if (open > at && text[open - 1] === '$') {
      plain += `${text.slice(at, open - 1)}\${`
      at = open + 2
      continue
    }
    const close = text.indexOf('}', open)
    const match = close < 0 ? null : variable.exec(text.slice(open + 2, close))
    if (match?.[1] === undefined) return { parts: [], fault: fault(close < 0) }
    plain += text.slice(at, open)
    if (plain !== '') parts.push({ type: 'text', text: plain })
    plain = ''
    parts.push({ type: 'variable', name: match[1], fallback: match[2] })
    at = close + 1
  }
  plain += text.slice(at)
  if (plain !== '') parts.push({ type: 'text', text: plain })
  return { parts }
}

/** Returns `text` as a string in which nothing is a placeholder. */
export function escapePlaceholders(text: string): string {
  return text.replaceAll('${', '$$${')
}

// The message omits the text itself: it may contain part of a secret.
function fault(unclosed: boolean): string {
  const what = unclosed
    ? 'a placeholder "${" is never closed'
    : 'a placeholder must read "${env:NAME}" or "${env:NAME|default}"'
  return `${what}; write "$\${" for a literal "\${"`
}
