/** Bearer tokens of the servers for operators (RFC 6750). */
import { timingSafeEqual } from 'node:crypto'

/** Whether an `Authorization` header carries that token. The scheme has no case. Compares in constant time. */
export function hasToken(header: string | undefined, token: string): boolean {
  const given = Buffer.from(/^bearer +(.+)$/i.exec(header ?? '')?.[1] ?? '')
  const expected = Buffer.from(token)
  return given.length === expected.length && timingSafeEqual(given, expected)
}
