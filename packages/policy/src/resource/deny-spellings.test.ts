import { entryId } from '@troupe/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { newActor } from '../actor.ts'
import { Security } from '../security.ts'
import { policySet, type SomeFields } from '../testing/policies.ts'

const id = 'p:p'
const decide = (fields: SomeFields, action: string, resource: string) =>
  new Security({ policies: policySet({ [id]: fields }), strictMode: false, log: () => undefined }).evaluate(
    [entryId(id)],
    newActor('ann'),
    action,
    resource,
  )
const denies = (pattern: string, action: string, resource: string) =>
  decide({ resources: [pattern], effect: 'deny' }, action, resource) === 'deny'
const allows = (pattern: string, action: string, resource: string) =>
  decide({ resources: [pattern] }, action, resource) === 'allow'
const request = 'http_client.request'

describe('a policy that denies', () => {
  it.each([
    ['*.Example.com/*', 'https://api.example.com/x'],
    ['*BÜCHER*', 'https://www.bücher.example/x'],
    ['*bu\u0308cher*', 'https://www.bücher.example/x'],
    ['*xn--bcher-kva*', 'https://www.bücher.example/x'],
    ['*/straße/*', 'https://a.test/stra%C3%9Fe/x'],
    ['*/%61dmin*', 'https://a.test/admin'],
    ['*/Admin*', 'https://a.test/admin'],
    ['*/admin*', 'https://a.test/ADMIN'],
    ['https://a.test/admin/*', 'https://a.test//admin/x'],
    ['https://a.test/admin/*', 'https://a.test/%2Fadmin/x'],
    ['https://a.test/admin/*', 'https://a.test/x/..%2Fadmin%5cx'],
    ['https://a.test/admin/*', 'https://a.test/x%2F%2F..%2Fadmin/x'],
    ['https://a.test/x/admin/*', 'https://a.test/x//y%2F..%2Fadmin/x'],
    ['*.test:8080/*', 'https://a.TEST:8080/'],
  ])('%s denies %s', (pattern, url) => {
    expect(denies(pattern, request, url)).toBe(true)
    expect(allows(pattern, request, url) && !pattern.includes('://')).toBe(false)
  })

  it.each([
    ['*bücher*', 'socket.connect', 'www.xn--bcher-kva.example'],
    ['BÜCHER.example*', 'socket.resolve', 'bücher.example.evil.test'],
    ['fd00:0:0:*', 'socket.connect', 'fd00::1'],
    ['fd00:0:*', 'socket.private_ip', 'FD00:0000::1'],
    ['10.0.0.1:22', 'socket.connect', '10.0.0.1'],
    ['10.0.0.*:22', 'socket.connect', '10.0.0.1'],
    ['[::1]:443', 'socket.connect', '::1'],
    ['Localhost:*', 'socket.listen', 'LOCALHOST.'],
  ])('%s denies %s of %s', (pattern, action, host) => {
    expect(denies(pattern, action, host)).toBe(true)
    // A policy that allows means what it says, and nothing more.
    expect(allows(pattern, action, host)).toBe(false)
  })

  it.each([
    ['https://a.test/admin/*', 'https://a.test/public/x'],
    ['*/admin/*', 'https://a.test/administration'],
    ['https://a.test:8080/*', 'https://a.test/x'],
  ])('%s does not deny %s', (pattern, url) => {
    expect(denies(pattern, request, url)).toBe(false)
  })

  it('is compared with a host in whatever case and Unicode form it is written', () => {
    const cased = (text: string) =>
      fc
        .array(fc.boolean(), { minLength: text.length, maxLength: text.length })
        .map((ups) => Array.from(text, (letter, at) => (ups[at] === true ? letter.toUpperCase() : letter)).join(''))
    const forms = fc.constantFrom('bücher.example', 'bu\u0308cher.example', 'xn--bcher-kva.example').chain(cased)
    const around = fc.constantFrom<[string, string]>(['*', '*'], ['*.', '*'], ['*://*.', '/*'], ['https://*.', '/a*'])
    fc.assert(
      fc.property(forms, forms, around, (written, asked, [before, after]) => {
        const pattern = `${before}${written}${after}`
        expect(denies(pattern, request, `https://www.${asked}/a/b`)).toBe(true)
        if (!pattern.includes('/')) expect(denies(pattern, 'socket.connect', `www.${asked}`)).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  it('is compared with a path however its slashes and dots are written', () => {
    const slash = fc.constantFrom('/', '//', '%2F', '%2f/', '\\', '%5C', '/./', '/x/../', '/x%2F..%2F')
    fc.assert(
      fc.property(slash, slash, (first, second) => {
        expect(denies('https://a.test/admin/keys*', request, `https://a.test/.${first}admin${second}keys`)).toBe(true)
      }),
      { numRuns: 300 },
    )
  })
})

it.each([
  ['10.0.0.0/8', '10.1.2.3', true],
  ['10.0.0.0/8', '0xa010203', true],
  ['10.0.0.0/8', '::ffff:10.1.2.3', true],
  ['10.0.0.0/8', '11.1.2.3', false],
  ['10.0.0.0/8', '10.evil.test', false],
  ['0.0.0.0/0', '::1', false],
  ['FD00::/8', 'fdff::1', true],
  ['fd00::/8', 'fe00::1', false],
  ['::/0', '10.1.2.3', false],
  ['192.0.2.7/32', '192.0.2.7', true],
  ['10.0.0.0/33', '10.0.0.0', false],
])('the network %s covers %s: %s', (network, host, covered) => {
  expect(allows(network, 'socket.connect', host)).toBe(covered)
  expect(denies(network, 'socket.private_ip', host)).toBe(covered)
})

it.each(['http_client.unix_socket', 'socket.connect'])('%s of a path with a zero in it is denied', (action) => {
  expect(decide({}, action, '/run/app.sock\0.log')).toBe('deny')
  expect(decide({}, action, '/run/app.sock')).toBe('allow')
  expect(decide({}, 'socket.connect', '\0abstract')).toBe('allow')
})

it.each(['a\tb.test', 'ab.test\n', '\rab.test', 'ab.test#.evil.test', 'ab.test/x', 'ab.test?', 'ab.test\\x'])(
  '%j is not the host that a URL parser makes of it',
  (host) => {
    expect(decide({ resources: ['ab.test'] }, 'socket.connect', host)).toBe('deny')
  },
)
