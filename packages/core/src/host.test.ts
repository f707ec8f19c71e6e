import fc from 'fast-check'
import { expect, it } from 'vitest'
import { canonicalHost, ipv4Of, literalOf } from './host.ts'

it.each([
  ['127.0.0.1', '127.0.0.1'],
  ['127.1', '127.0.0.1'],
  ['2130706433', '127.0.0.1'],
  ['0x7f.1', '127.0.0.1'],
  ['0x7f000001', '127.0.0.1'],
  ['017700000001', '127.0.0.1'],
  ['0177.0.0.01', '127.0.0.1'],
  ['127.0.0.1.', '127.0.0.1'],
  ['0', '0.0.0.0'],
  ['255.255.255.255', '255.255.255.255'],
  ['10.0.65535', '10.0.255.255'],
  ['::1', '::1'],
  ['::ffff:7f00:1', '::ffff:7f00:1'],
  ['web.test', undefined],
  ['face.cafe', undefined],
  ['256.1.1.1', undefined],
  ['1.2.3.4.5', undefined],
  ['1..2', undefined],
  ['.', undefined],
  ['', undefined],
])('%j is %j', (host, literal) => {
  expect(literalOf(host)).toBe(literal)
})

it('finds the IPv4 address only inside a mapped address', () => {
  expect(['::ffff:7f00:1', '::ffff:127.0.0.1', '::7f00:1', '64:ff9b::7f00:1'].map(ipv4Of)).toEqual([
    '127.0.0.1',
    '127.0.0.1',
    undefined,
    undefined,
  ])
})

it.each([
  ['Example.COM.', 'example.com'],
  ['example。com', 'example.com'],
  ['ｅxample.com', 'example.com'],
  ['BÜCHER.example', 'xn--bcher-kva.example'],
  ['XN--BCHER-KVA.example', 'xn--bcher-kva.example'],
  ['127.1', '127.0.0.1'],
  ['0x7f.1.', '127.0.0.1'],
  ['１２７。０。０。１', '127.0.0.1'],
  ['::ffff:127.0.0.1', '127.0.0.1'],
  ['[::FFFF:7F00:1]', '127.0.0.1'],
  ['::127.0.0.1', '127.0.0.1'],
  ['::ffff:7f00:1%lo', '127.0.0.1'],
  ['0:0:0::1', '::1'],
  ['FE80::1%eth0', 'fe80::1'],
  ['2001:DB8:0:0:0::1', '2001:db8::1'],
  ['a b', undefined],
  ['evil.test\0.example.com', undefined],
  ['127.0.0.1 ', undefined],
  ['%6cocalhost', undefined],
  ['127.0.0.1:80', undefined],
  ['a..b', undefined],
  ['.', undefined],
  ['', undefined],
])('the host %j is %j', (host, canonical) => {
  expect(canonicalHost(host)).toBe(canonical)
})

it('a name holds every character that it was given: none is cut off, and none is dropped', () => {
  const unit = fc.constantFrom(
    ...Array.from({ length: 128 }, (_, code) => String.fromCharCode(code)),
    '\u00fc',
    'a',
    '.',
  )
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 8 }), fc.constantFrom('good.test', '10.0.0.1'), (text, host) => {
      const asked = `${host}${text}.evil.test`
      const found = canonicalHost(asked)
      if (/[^\w.\u00fc-]/.test(text)) expect(found).toBeUndefined()
      else if (/^[\x20-\x7e]*$/.test(asked)) expect([undefined, asked.toLowerCase()]).toContain(found)
      expect(literalOf(asked)).toBeUndefined()
    }),
    { numRuns: 3000 },
  )
})

it.each([
  'good.test#.evil.test',
  'good.test/.evil.test',
  'good.test?.evil.test',
  'good.test\\.evil.test',
  '10.0.0.1#\u00fc',
])('%s is neither the host before the character, nor an address', (host) => {
  expect(canonicalHost(host)).toBeUndefined()
  expect(literalOf(host)).toBeUndefined()
})
