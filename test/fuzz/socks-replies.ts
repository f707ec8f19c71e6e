/**
 * Replies of SOCKS5 proxies: the result is the same for every split into pieces, and the parser never reads past the
 * received bytes.
 */
import { isDeepStrictEqual } from 'node:util'
import { type Reply, ReplyParser } from '../../packages/network/src/drivers/socks5/reply-parser.ts'
import { textTarget } from './lib/inputs.ts'

const isLast = (answer: Reply): boolean =>
  answer.type === 'alien' || answer.type === 'refusal' || answer.type === 'success'

/** What is parsed, and what remains, when the bytes arrive in pieces of these sizes. */
function read(
  bytes: Buffer,
  loginSent: boolean,
  sizes: readonly number[],
): { readonly found: readonly Reply[]; readonly left: number } {
  const answers = new ReplyParser(loginSent)
  const found: Reply[] = []
  let at = 0
  for (let turn = 0; at < bytes.length && !found.some(isLast); turn += 1) {
    const end = Math.min(bytes.length, at + (sizes[turn % sizes.length] ?? 1))
    answers.push(bytes.subarray(at, end))
    at = end
    for (let next = answers.next(); next !== undefined; next = isLast(next) ? undefined : answers.next())
      found.push(next)
  }
  return { found, left: answers.rest.length + bytes.length - at }
}

const target = textTarget({
  pieces: [
    '\x05',
    '\x00',
    '\x01',
    '\x02',
    '\x03',
    '\x04',
    '\xff',
    '\x05\x00',
    '\x05\x02',
    '\x01\x00',
    '\x05\x00\x00\x01',
    '\x05\x00\x00\x03\x09localhost',
    'HTTP/1.1 400',
  ],
  check: (input) => {
    const bytes = Buffer.from(input, 'latin1')
    for (const loginSent of [false, true]) {
      const whole = read(bytes, loginSent, [Math.max(1, bytes.length)])
      for (const sizes of [[1], [2, 3], [7, 1]]) {
        const pieces = read(bytes, loginSent, sizes)
        if (!isDeepStrictEqual(pieces, whole))
          throw new Error(
            `pieces of ${sizes.join(', ')} read ${JSON.stringify(pieces)}, the whole ${JSON.stringify(whole)}`,
          )
      }
      for (const answer of whole.found) {
        if (answer.type === 'success' && answer.address.length > bytes.length)
          throw new Error('an address is longer than what came')
      }
    }
  },
})
export default target.fuzz
export const { replay } = target
