/** Header fields of an answer: as undici hands them over, and as `Headers`. */

/** Repeated ones are lists. */
export type ResponseHeaders = Readonly<Record<string, string | readonly string[] | undefined>>

export function appendAll(headers: Headers, fields: ResponseHeaders): void {
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === 'string') append(headers, name, value)
    else for (const each of value ?? []) append(headers, name, each)
  }
}

function append(headers: Headers, name: string, value: string): void {
  try {
    headers.append(name, value)
  } catch {
    // What was read as UTF-8 may hold more than the bytes that the platform takes for a header's characters: give it those bytes.
    headers.append(name, Buffer.from(value, 'utf8').toString('latin1'))
  }
}
