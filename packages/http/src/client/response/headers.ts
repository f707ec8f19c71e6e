/** Header fields of a response: as undici provides them, and as `Headers`. */

/** Repeated fields are lists. */
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
    // Text that was read as UTF-8 may contain characters that the platform does not accept in a header: pass their
    // bytes.
    headers.append(name, Buffer.from(value, 'utf8').toString('latin1'))
  }
}
