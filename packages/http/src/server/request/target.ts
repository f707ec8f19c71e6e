/** The target of a request. */
import type { IncomingMessage } from 'node:http'

/** Returns an upgrade as a request for middleware; undefined where its target is invalid. */
export function upgradeRequest({ headers, url = '/', socket }: IncomingMessage): Request | undefined {
  const scheme = 'encrypted' in socket ? 'https' : 'http'
  const at = `${scheme}://${headers.host ?? 'localhost'}${url}`
  if (!url.startsWith('/') || !URL.canParse(at)) return undefined
  const fields = new Headers()
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined) fields.set(name, Array.isArray(value) ? value.join(', ') : value)
  return new Request(at, { headers: fields })
}

/** Returns the path without the query, which may contain secrets. */
export function pathOf(url: string): string {
  return URL.parse(url, 'http://localhost')?.pathname ?? ''
}
