/** Escapes characters that would end a line, move a cursor or change the direction of text in a log line. */

/** Control characters of ASCII and Unicode, line separators, and marks that change the direction of text. */
const controls = /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

const short: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** `text` on one line, for people. */
export function escaped(text: string): string {
  return text.replaceAll(controls, (control) => short[control] ?? unicode(control))
}

/**
 * Text of several lines, for people: each stays on its own line.
 *
 * @example
 * ```ts
 * console.log(escapedLines('one\r\ntwo')) // one\\r, and two on the next line
 * ```
 */
export function escapedLines(text: string): string {
  return text.split('\n').map(escaped).join('\n')
}

/** A line of JSON, in which ASCII's control characters are already escaped. */
export function escapedJson(line: string): string {
  return line.replaceAll(controls, unicode)
}

function unicode(control: string): string {
  return `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`
}
