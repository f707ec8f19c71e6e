/** Splits the text of shell commands into words and operators. */
import type { Part, Word } from './syntax.ts'

/** Something that this shell does not do: the error names it, and the caller refuses the command. */
export class UnsupportedSyntax extends Error {
  override name = 'UnsupportedSyntax'
}

export type Token =
  | { readonly type: 'word'; readonly word: Word }
  | { readonly type: 'operator'; readonly text: string }
  | { readonly type: 'redirect'; readonly fd: number; readonly operator: '<' | '>' | '>>' | '>&' }

const operators = /^(?:&&|\|\||[;\n|])/
const redirects = /^(\d?)(>>|>&|<&|<<|<>|>\||>|<)/
const variable = /^\$(?:(\w+)|\{(\w+)(?::?-([^}$`'"\\]*))?\}|([?@#$*!-]))/
const special = /[\s;|&<>()'"\\$`#]/

/** @throws UnsupportedSyntax */
export function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = []
  let rest = text.replaceAll('\\\n', '')
  for (;;) {
    rest = rest.replace(/^[ \t\r]+/, '').replace(/^#[^\n]*/, '')
    if (rest === '') return tokens
    const [operator] = operators.exec(rest) ?? []
    if (operator !== undefined) {
      tokens.push({ type: 'operator', text: operator === '\n' ? ';' : operator })
      rest = rest.slice(operator.length)
      continue
    }
    const redirect = redirects.exec(rest)
    if (redirect !== null) {
      tokens.push(redirectOf(redirect))
      rest = rest.slice(redirect[0].length)
      continue
    }
    if (rest.startsWith('&')) throw new UnsupportedSyntax('a program in the background (&)')
    if (/^[()]/.test(rest)) throw new UnsupportedSyntax('a subshell or a function ( )')
    const { word, length } = readWord(rest)
    tokens.push({ type: 'word', word })
    rest = rest.slice(length)
  }
}

function redirectOf([, fd = '', operator = '']: RegExpExecArray): Token {
  if (operator === '<<') throw new UnsupportedSyntax('a here-document (<<)')
  if (operator === '<>' || operator === '<&') throw new UnsupportedSyntax(`the redirection ${operator}`)
  const input = operator === '<'
  const kind = operator === '>|' ? '>' : operator
  if (kind !== '<' && kind !== '>' && kind !== '>>' && kind !== '>&')
    throw new UnsupportedSyntax(`the redirection ${operator}`)
  return { type: 'redirect', fd: fd === '' ? (input ? 0 : 1) : Number(fd), operator: kind }
}

/** Reads one word, which may have quoted parts. */
function readWord(text: string): { readonly word: Word; readonly length: number } {
  const parts: Part[] = []
  let at = 0
  while (at < text.length) {
    const rest = text.slice(at)
    const [first = ''] = rest
    if (first === "'") {
      const end = closing(rest, "'")
      parts.push({ text: rest.slice(1, end), quoted: true })
      at += end + 1
    } else if (first === '"') at += readQuoted(rest, parts)
    else if (first === '\\') {
      parts.push({ text: rest.slice(1, 2), quoted: true })
      at += 2
    } else if (rest.startsWith("$'")) at += readEscaped(rest, parts)
    else if (first === '$' || first === '`') at += readVariable(rest, false, parts)
    else if (special.test(first) && !(first === '#' && at > 0)) break
    else {
      const [plain = first] = /^[^\s;|&<>()'"\\$`]+/.exec(rest) ?? []
      if (/^~|\{[^}]*,/.test(plain)) throw new UnsupportedSyntax('an expansion of ~ or { }')
      parts.push({ text: plain, quoted: false })
      at += plain.length
    }
  }
  return { word: parts, length: at }
}

function readQuoted(text: string, parts: Part[]): number {
  parts.push({ text: '', quoted: true })
  let at = 1
  for (;;) {
    const rest = text.slice(at)
    const [first] = rest
    if (first === undefined) throw new UnsupportedSyntax('a quote that is not closed')
    if (first === '"') return at + 1
    if (first === '$' || first === '`') at += readVariable(rest, true, parts)
    else if (first === '\\') {
      const next = rest.slice(1, 2)
      parts.push({ text: /["\\$`]/.test(next) ? next : `\\${next}`, quoted: true })
      at += 2
    } else {
      const [plain = first] = /^[^"\\$`]+/.exec(rest) ?? []
      parts.push({ text: plain, quoted: true })
      at += plain.length
    }
  }
}

function readVariable(text: string, quoted: boolean, parts: Part[]): number {
  if (text.startsWith('`') || text.startsWith('$(')) throw new UnsupportedSyntax('the output of a command ($( ))')
  const found = variable.exec(text)
  if (found === null) {
    if (text.startsWith('${')) throw new UnsupportedSyntax('this form of a variable (${ })')
    parts.push({ text: '$', quoted: true })
    return 1
  }
  const [whole, plain, braced, fallback, mark] = found
  if (mark !== undefined && mark !== '?' && mark !== '@') throw new UnsupportedSyntax(`the variable $${mark}`)
  parts.push({ variable: plain ?? braced ?? mark ?? '', quoted, fallback })
  return whole.length
}

const escapes: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  e: '\u001b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
}
const numbered = /^(?:x([\da-f]{1,2})|u([\da-f]{1,4})|([0-7]{1,3}))/i

/** `$'…'`: quoted text in which a backslash escapes (POSIX.1-2024, 2.2.4). */
function readEscaped(text: string, parts: Part[]): number {
  const [whole, inner] = /^\$'((?:[^'\\]|\\[^])*)'/.exec(text) ?? []
  if (whole === undefined || inner === undefined) throw new UnsupportedSyntax('a quote that is not closed')
  const plain = inner.replaceAll(/\\(x[\da-f]{1,2}|u[\da-f]{1,4}|[0-7]{1,3}|[^])/gi, (_, escape: string) => {
    const [found, hex, unicode, octal] = numbered.exec(escape) ?? []
    if (found === undefined) return escapes[escape] ?? (/['"\\]/.test(escape) ? escape : `\\${escape}`)
    return String.fromCodePoint(
      octal === undefined ? Number.parseInt(hex ?? unicode ?? '', 16) : Number.parseInt(octal, 8),
    )
  })
  parts.push({ text: plain, quoted: true })
  return whole.length
}

function closing(text: string, quote: string): number {
  const end = text.indexOf(quote, 1)
  if (end === -1) throw new UnsupportedSyntax('a quote that is not closed')
  return end
}
