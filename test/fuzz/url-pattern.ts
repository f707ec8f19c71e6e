/** URL patterns in policies: for every pattern, decisions agree with the URL parser, and with each other. */
import { entryId, TroupeError } from '@troupe/core'
import { compilePolicy, Security, securityPolicy } from '@troupe/policy/kernel'
import fc from 'fast-check'
import { z } from 'zod'
import { jsonTarget } from './lib/inputs.ts'

const id = entryId('fuzz:policy')
const action = 'http_client.request'
type Effect = 'allow' | 'deny'

/** Pieces that usually mean something to one of the two parsers. */
const piece = fc.oneof(
  fc.constantFrom(
    'http',
    'https',
    'ws',
    '://',
    ':',
    '//',
    '/',
    '\\',
    '@',
    '*',
    '*.',
    '.',
    '..',
    '%2e',
    '%2F',
    '%2a',
    '%00',
    '?',
    '#',
    '[',
    ']',
    '::1',
  ),
  fc.constantFrom(
    'example',
    '.com',
    'a',
    'xn--',
    'bücher',
    '127.0.0.1',
    '0x7f.1',
    '::ffff:1.2.3.4',
    ':80',
    ':443',
    ':0',
    ' ',
    '\t',
    '\n',
    '\u3002',
    '\ud800',
  ),
  fc.string({ maxLength: 4, unit: 'binary' }),
)
const text = fc.array(piece, { maxLength: 10 }).map((pieces) => pieces.join(''))
const url = fc.oneof(
  text,
  text.map((rest) => `https://${rest}`),
  fc.webUrl({ withQueryParameters: true, withFragments: true }),
)
const pattern = fc.oneof(
  text,
  text.map((rest) => `https://${rest}`),
  fc
    .tuple(fc.constantFrom('https://*.', '*://', 'http://a-*.'), fc.domain(), fc.constantFrom('', ':*', ':8080'), text)
    .map((parts) => parts.join('')),
)

function decider(resources: string, effect: Effect) {
  const parsed = securityPolicy.fields.safeParse({ actions: action, resources, effect })
  if (!parsed.success) return undefined
  const security = new Security({
    policies: new Map([[id, compilePolicy(id, parsed.data)]]),
    strictMode: false,
    log: () => {},
  })
  return (resource: string) => security.evaluate([id], undefined, action, resource) === effect
}

/** The same URL in other spellings. */
function spellings(given: string): readonly string[] {
  const parsed = URL.parse(given)
  if (parsed === null || !/^(?:https?|wss?):$/.test(parsed.protocol)) return []
  const { href, hash, search, username, password } = parsed
  const plain = new URL(href)
  plain.username = plain.password = plain.hash = plain.search = ''
  const dotted = new URL(plain)
  if (!/[\]\d.]$/.test(dotted.hostname)) dotted.hostname += '.'
  return [
    href,
    plain.href,
    dotted.href,
    plain.href.replace(/^[a-z]+/, (scheme) => scheme.toUpperCase()),
    `${plain.href}${search}${hash}`,
  ].filter((each) => username + password === '' || URL.canParse(each))
}

function check(resources: string, given: string): void {
  const [allows, denies] = [decider(resources, 'allow'), decider(resources, 'deny')]
  if ((allows === undefined) !== (denies === undefined))
    throw new Error('one effect takes the pattern, the other does not')
  if (allows === undefined || denies === undefined) return
  const allowed = allows(given)
  if (allowed && !denies(given)) throw new Error('what is allowed by a pattern is not denied by it')
  for (const spelling of spellings(given)) {
    if (allows(spelling) !== allowed)
      throw new Error(`the decision depends on the spelling: ${JSON.stringify(spelling)}`)
  }
  const host = /^https:\/\/\*\.([a-z][a-z\d.-]*[a-z])(?::|\/|$)/.exec(resources)?.[1]
  const parsed = URL.parse(given)
  if (allowed && host !== undefined && parsed?.hostname.replace(/\.+$/, '').endsWith(`.${host}`) !== true)
    throw new Error('another host is allowed')
}

const target = jsonTarget({
  input: fc.record({ pattern, url }),
  read: (saved) => z.object({ pattern: z.string(), url: z.string() }).parse(saved),
  check: ({ pattern: resources, url: given }) => {
    try {
      check(resources, given)
    } catch (error) {
      // A question that is too long is rejected.
      if (!(error instanceof TroupeError && error.kind === 'Invalid')) throw error
    }
  },
})

export default target.fuzz
export const { replay } = target
