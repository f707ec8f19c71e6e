import { entryId } from '@troupe/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { opinions } from '../explain.ts'
import { compilePolicy, type Policies, securityPolicy } from '../policy.ts'
import { Security } from '../security.ts'
import { UrlPattern } from './url-pattern.ts'

const id = entryId('app:policy')
const action = 'http_client.request'
const policies = (resources: readonly string[], effect: 'allow' | 'deny'): Policies => {
  const fields = { actions: ['*'], resources: [...resources], effect, groups: [], conditions: [] }
  return new Map([[id, compilePolicy(id, fields)]])
}
const says = (pattern: string | readonly string[], url: string, effect: 'allow' | 'deny' = 'allow', of = action) =>
  new Security({ policies: policies([pattern].flat(), effect), strictMode: false, log: () => {} }).evaluate(
    [id],
    undefined,
    of,
    url,
  )
const allows = (pattern: string, url: string) => says(pattern, url) === 'allow'

describe('patterns of URLs', () => {
  it.each([
    ['https://*.example.com/*', 'https://a.example.com/x', true],
    ['https://*.example.com/*', 'https://a.b.example.com/x/y', true],
    ['https://*.example.com/*', 'https://example.com/x', false],
    ['https://*.example.com/*', 'https://evil.test/a.example.com/', false],
    ['https://*.example.com/*', 'https://evil.test/.example.com/', false],
    ['https://*.example.com/*', 'https://evil.test?.example.com/', false],
    ['https://*.example.com/*', 'https://evil.test#.example.com/', false],
    ['https://*.example.com/*', 'https://evil.test\\.example.com/', false],
    ['https://*.example.com/*', 'https://a.example.com@evil.test/', false],
    ['https://*.example.com/*', 'https://a.example.com:443@evil.test/', false],
    ['https://*.example.com/*', 'https://evilexample.com/', false],
    ['https://*.example.com/*', 'https://a.example.com.evil.test/', false],
    ['https://*.example.com/*', 'https://a.example.com:444/', false],
    ['https://*.example.com/*', 'http://a.example.com/', false],
    ['https://*.example.com:*/*', 'https://a.example.com:444/', true],
    ['https://api.example.org*', 'https://api.example.org/any', true],
    ['https://api.example.org*', 'https://api.example.org.evil.test/', false],
    ['https://api.example.org*', 'https://api.example.org@evil.test/', false],
    ['https://API-*.example.org./*', 'https://api-7.Example.org/', true],
    ['https://api-*.example.org/*', 'https://api-7.evil.example.org/', false],
    ['https://*.api-*.example.org/*', 'https://x.y.api-7.example.org/', true],
    ['https://api.example.org', 'https://api.example.org/any/path', true],
    ['https://api.example.org', 'https://api.example.org.evil.test/', false],
    ['https://api.example.org/v1/*', 'https://api.example.org/v1/../admin', false],
    ['https://api.example.org/v1/*', 'https://api.example.org/v1/%2e%2E/admin', false],
    ['https://api.example.org/v1/*', 'https://api.example.org/v2/', false],
    ['https://api.example.org/a%2fb', 'https://api.example.org/a/b', false],
    ['https://api.example.org/a%2Ab', 'https://api.example.org/a*b', true],
    ['https://api.example.org/a%2Ab', 'https://api.example.org/axb', false],
    ['https://bücher.example/*', 'https://xn--bcher-kva.example/', true],
    ['https://*', 'https://anything.test/x', true],
    ['https://*:*', 'https://anything.test:8443/x', true],
    ['*://host.test/*', 'http://host.test/', true],
    ['*://host.test/*', 'https://host.test/', true],
    ['*://host.test/*', 'https://host.test:80/', false],
    ['http://127.0.0.1:*/*', 'http://127.0.0.1:8080/', true],
    ['http://127.0.0.1/*', 'http://0x7f.1/', true],
    ['http://127.0.0.1/*', 'http://[::ffff:7f00:1]/', true],
    ['http://[::1]:*/*', 'http://[0:0::1]:3000/', true],
    ['https://*/.example.com/*', 'https://evil.test/.example.com/x', true],
    ['*', 'https://anything.test:1/x', true],
    ['**', 'http://x/', true],
    ['http*', 'https://evil.test/', false],
    ['*.example.com*', 'https://evil.test/.example.com', false],
    ['*', 'no URL at all', true],
    ['https://*', 'http://.../', false],
  ])('%s covers %s: %s', (pattern, url, expected) => {
    expect(allows(pattern, url)).toBe(expected)
  })

  it.each([
    ['https://user@example.com/', 'credentials'],
    ['https://user:secret@example.com/', 'credentials'],
    ['https://*@example.com/', 'credentials'],
    ['https://*example.org/', 'whole labels'],
    ['https://api.*.org/', 'whole labels'],
    ['https://10.0.*/', 'whole labels'],
    ['https://a*b*.example.org/', 'whole labels'],
    ['https://bü*.example.org/', 'host is not valid'],
    ['https://api-*..example.org/', 'host is not valid'],
    ['https://*.0.0.1/', 'address'],
    ['https://*.[::1]/', 'address'],
    ['https:///path', 'host is not valid'],
    ['https://*./', 'host is not valid'],
    ['https://a b/', 'host is not valid'],
    ['https://example.com:port/', 'host is not valid'],
    ['https://example.com:0/', 'there is no port 0'],
    ['https://example.com:65536/', 'there is no port 65536'],
    ['ftp://example.com/', 'scheme'],
    ['http*://example.com/', 'scheme'],
    ['https://example.com/?q=*', 'query'],
    ['https://example.com?q=*', 'query'],
    ['https://example.com/#part', 'fragment'],
  ])('%s is refused: %s', (pattern, reason) => {
    expect(() => new UrlPattern(pattern)).toThrow(reason)
    expect(
      securityPolicy.fields.safeParse({ actions: action, resources: pattern, effect: 'deny' }).error?.issues,
    ).toEqual([expect.objectContaining({ path: ['resources'], message: expect.stringContaining(reason) as string })])
  })

  it('apply to any action whose resource is a URL, and to nothing else', () => {
    expect(says('https://hooks.test/*', 'https://hooks.test/a', 'allow', 'hook.call')).toBe('allow')
    expect(says('https://hooks.test/*', 'HTTPS:\\\\hooks.test\\a', 'allow', 'hook.call')).toBe('allow')
    expect(says(['https://hooks.test/*', 'app:*'], 'app:tor', 'allow', 'network.select')).toBe('allow')
    expect(says('http:*', 'http:api', 'allow', 'registry.get')).toBe('allow')
  })

  it('that are no URLs still deny URLs, and never allow them', () => {
    expect(says('*/admin*', 'https://host.test/admin/x', 'deny')).toBe('deny')
    expect(says('*/admin*', 'https://host.test/%61dmin/x', 'deny')).toBe('deny')
    expect(says('*/admin*', 'https://host.test/admin/x')).toBe('undefined')
  })

  it('are explained as they are decided', () => {
    const explained = (url: string) =>
      opinions([id], policies(['https://a.test/x'], 'allow'), undefined, action, url)[0]?.says
    expect([explained('https://A.test:443/%78'), explained('https://a.test/y')]).toEqual(['allow', 'nothing'])
  })
})

/** Spellings of one URL that mean the same. */
const spellings = fc.record({
  scheme: fc.constantFrom('https', 'HTTPS', 'hTTps'),
  slashes: fc.constantFrom('//', '\\\\', '/\\', '///'),
  user: fc.constantFrom('', 'user@', 'user:pass@', 'evil.test:80@', '%40@'),
  host: fc.constantFrom(
    'a.bücher.example',
    'A.B\u00dcCHER.Example',
    'a.xn--bcher-kva.example',
    'a%2Ebücher.example',
    'a\u3002bücher.example',
  ),
  dot: fc.constantFrom('', '.'),
  port: fc.constantFrom('', ':', ':443', ':0443'),
  path: fc.constantFrom(
    '/v1/items/~me',
    '/v1/%69tems/%7Eme',
    '/v1/./items/x/../~me',
    '\\v1\\items\\%7eme',
    '/v1/items/%2e/~me',
    '/other/%2E%2e/v1/items/~me',
  ),
  query: fc.constantFrom('', '?q=/x', '#part', '?a#b'),
})
const write = ({
  scheme,
  slashes,
  user,
  host,
  dot,
  port,
  path,
  query,
}: typeof spellings extends fc.Arbitrary<infer T> ? T : never) =>
  `${scheme}:${slashes}${user}${host}${dot}${port}${path}${query}`

describe('a decision', () => {
  it.each([
    'https://a.bücher.example/v1/items/~me',
    'https://a.xn--bcher-kva.example/v1/*/~me',
    'https://*.Bücher.example./v1/*',
    'https://*:443/v1/items/%7Eme',
    '*://*/v1/items/~me',
    'https://other.example/v1/items/~me',
    'https://a.bücher.example/v2/*',
    'http://a.bücher.example/*',
    'https://*.a.bücher.example/*',
  ])('by %s does not depend on the spelling', (pattern) => {
    const expected = allows(pattern, 'https://a.bücher.example/v1/items/~me')
    fc.assert(
      fc.property(spellings, (spelling) => {
        expect(allows(pattern, write(spelling))).toBe(expected)
        expect(says(pattern, write(spelling), 'deny') === 'deny').toBe(expected)
      }),
      { numRuns: 300 },
    )
  })

  it('by a condition gets the canonical spelling', () => {
    const fields = {
      ...{ actions: [action], resources: ['*'], effect: 'deny' as const, groups: [] },
      conditions: [
        {
          field: 'resource',
          operator: 'matches' as const,
          value: '^https://a\\.xn--bcher-kva\\.example/v1/items/~me$',
        },
      ],
    }
    const security = new Security({
      policies: new Map([[id, compilePolicy(id, fields)]]),
      strictMode: false,
      log: () => {},
    })
    fc.assert(
      fc.property(spellings, (spelling) => {
        expect(security.evaluate([id], undefined, action, write(spelling))).toBe('deny')
      }),
      { numRuns: 300 },
    )
  })

  it('allows only what the parser finds below the host of the pattern', () => {
    const part = fc.string({
      unit: fc.constantFrom(
        'a',
        '.',
        '/',
        '\\',
        '@',
        ':',
        '?',
        '#',
        '%',
        '2',
        'e',
        'f',
        '*',
        '.example.com',
        ' ',
        '\t',
      ),
      maxLength: 12,
    })
    fc.assert(
      fc.property(part, part, (before, after) => {
        const text = `https://${before}.example.com${after}`
        const host = URL.parse(text)?.hostname.replace(/\.+$/, '') ?? ''
        if (allows('https://*.example.com:*/*', text)) expect(host.endsWith('.example.com')).toBe(true)
      }),
      { numRuns: 3000 },
    )
  })
})
