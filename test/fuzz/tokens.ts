/** Tokens: every text is recognised as the token that was issued, or as none. */
import { TroupeError } from '@troupe/core'
import { parseGrant, parseTokenText } from '../../packages/http/src/tokens/validate-grant.ts'
import { isTokenText, newToken, readToken } from '../../packages/http/src/tokens/token-text.ts'
import { textTarget } from './lib/inputs.ts'

const [store, key] = ['fuzz:tokens', 'a key of more than thirty-two characters']
const issued = newToken(store, key)
const [id = '', secret = '', signature = ''] = issued.token.split('.')
const foreign = newToken(store, `another ${key}`).token

/** Data of a grant, derived from text. */
function dataOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function refuses(parse: () => unknown): void {
  try {
    parse()
  } catch (error) {
    if (!(error instanceof TroupeError && error.kind === 'Invalid')) throw error
  }
}

const target = textTarget({
  pieces: [
    issued.token,
    foreign,
    id,
    secret,
    signature,
    signature.slice(0, -1),
    '.',
    '..',
    ' ',
    '=',
    '-',
    '_',
    'A',
    '\0',
    '\n',
    'Bearer ',
    '{"actor":{"id":"a","meta":{}},"policies":[],"groups":[],"meta":{}}',
    '{"actor":',
    '"ttl":1e999',
    '"__proto__":{}',
    '[]',
    ',',
    '}',
  ],
  maxPieces: 8,
  check: (input) => {
    refuses(() => parseTokenText(input))
    refuses(() => parseGrant(dataOf(input)))
    const read = readToken(store, key, input)
    if (read !== undefined && input !== issued.token) throw new Error(`another text is read as the token ${read.id}`)
    if (read !== undefined && !isTokenText(input)) throw new Error('what is read does not look like a token')
    if (readToken('fuzz:others', key, input) !== undefined) throw new Error('a token of one store is read by another')
    if (readToken(store, key, issued.token)?.id !== id)
      throw new Error('the token that was issued is not read any more')
  },
})

export default target.fuzz
export const { replay } = target
