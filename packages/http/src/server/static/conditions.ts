/** Conditional requests and ranges of a client (RFC 9110, 13 and 14). */

/** Returns whether the client has the current version of the file. */
export function isUnchanged(asked: Headers, etag: string, modified: Date): boolean {
  const tags = asked.get('if-none-match')
  if (tags !== null) return tags === '*' || tags.split(',').some((tag) => weak(tag.trim()) === weak(etag))
  const since = Date.parse(asked.get('if-modified-since') ?? '')
  return seconds(modified.getTime()) <= seconds(since)
}

/** Returns the requested range. Several ranges, or an invalid one, request the whole file. */
export function rangeOf(
  asked: Headers,
  size: number,
  modified: Date,
): { readonly start: number; readonly end: number } | 'unsatisfiable' | undefined {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(asked.get('range') ?? '') ?? []
  if (first === '' && last === '') return undefined
  const condition = asked.get('if-range')
  // Weak tags match no range: only the time is compared.
  if (condition !== null && seconds(Date.parse(condition)) !== seconds(modified.getTime())) return undefined
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1)
  if (first !== '' && last !== '' && Number(last) < start) return undefined
  return start >= size || (first === '' && Number(last) === 0) ? 'unsatisfiable' : { start, end }
}

function weak(tag: string): string {
  return tag.startsWith('W/') ? tag.slice(2) : tag
}

function seconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000)
}
