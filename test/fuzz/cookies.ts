/**
 * Cookies from servers: whatever they contain, a jar returns them only to their own servers, and never more than a
 * header can hold.
 */
import fc from 'fast-check'
import { cookieJar } from 'troupe'
import { z } from 'zod'
import { jsonTarget } from './lib/inputs.ts'

const piece = fc.oneof(
  fc.constantFrom(
    'a',
    'b',
    '=',
    ';',
    ',',
    ' ',
    '\t',
    '"',
    '=1',
    '__Host-',
    '__Secure-',
    '; Domain=',
    '; Path=',
    '; Secure',
    '; HttpOnly',
    '; SameSite=',
  ),
  fc.constantFrom(
    '; Max-Age=',
    '; Expires=',
    'example.org',
    '.example.org',
    'com',
    'localhost',
    '127.0.0.1',
    '/',
    '/a',
    '0',
    '-1',
    '99999999999999999999',
  ),
  fc.constantFrom('Thu, 01 Jan 1970 00:00:00 GMT', 'Wed, 31 Dec 9999 23:59:59 GMT', '\u00e9', '\u00ff'),
  // What the response parser accepts: bytes without control characters.
  fc.string({
    maxLength: 6,
    unit: fc
      .integer({ min: 0x20, max: 0xff })
      .filter((code) => code !== 0x7f)
      .map((code) => String.fromCharCode(code)),
  }),
)
const cookie = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''))
const origins = [
  'https://a.example.org/a/b',
  'https://b.example.org/',
  'http://a.example.org/a',
  'https://example.com/',
  'http://127.0.0.1/',
  'http://localhost/',
]
const field = /^[\t\u0020-\u007e\u0080-\u00ff]*$/

const target = jsonTarget({
  input: fc.record({ origin: fc.constantFrom(...origins), cookies: fc.array(cookie, { maxLength: 5 }) }),
  read: (saved) => z.object({ origin: z.url(), cookies: z.array(z.string()) }).parse(saved),
  check: async ({ origin, cookies }) => {
    const jar = await cookieJar()
    for (const each of cookies) await jar.setCookie(each, origin, { ignoreError: true })
    for (const asked of origins) {
      const sent = await jar.getCookieString(asked)
      if (!field.test(sent)) throw new Error(`no field can hold ${JSON.stringify(sent)}`)
      const [from, to] = [new URL(origin), new URL(asked)]
      const together =
        from.hostname === to.hostname ||
        (from.hostname.endsWith('.example.org') && to.hostname.endsWith('.example.org'))
      if (sent !== '' && !together) throw new Error(`${to.host} gets what ${from.host} set: ${JSON.stringify(sent)}`)
      if (/(?:^|; )__Host-/.test(sent) && from.hostname !== to.hostname)
        throw new Error('a cookie of one host goes to another')
    }
  },
})

export default target.fuzz
export const { replay } = target
