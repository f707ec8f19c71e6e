/** Spellings of hosts: all that resolvers, URL parsers or browsers read as the same host. */
import fc from 'fast-check'

const names = [
  'example.com',
  'api.example.com',
  'a-b.example.org',
  'xn--bcher-kva.example',
  'localhost',
  'x1.test',
  '_srv.test',
  'deep.er.sub.test',
]
const ipv4 = [
  ...[
    '127.0.0.1',
    '10.0.0.5',
    '192.168.1.1',
    '169.254.169.254',
    '8.8.8.8',
    '93.184.216.34',
    '1.2.3.4',
    '172.16.0.1',
    '100.64.0.1',
  ],
  ...[
    '224.0.0.1',
    '255.255.255.255',
    '9.9.9.9',
    '11.22.33.44',
    '203.0.113.7',
    '198.51.100.9',
    '192.0.2.1',
    '64.64.64.64',
    '77.0.0.77',
  ],
]
const ipv6 = [
  ...[
    '::1',
    '::',
    'fe80::1',
    'fd00::53',
    '2001:db8::1',
    '2606:4700::1111',
    'ff02::1',
    '64:ff9b::808:808',
    '2002:7f00:1::',
    'fc00:1::2',
  ],
  ...[
    '2001:db8:1:2:3:4:5:6',
    '2001:db8::a:0:0:1',
    'fe80::abcd:ef01',
    '2620:fe::fe',
    '2a00:1450::200e',
    '100::1',
    '3fff::1',
    '2001::1',
  ],
]

/** 50 hosts, in their canonical spelling. */
export const hosts: readonly string[] = [
  ...names,
  ...ipv4,
  ...ipv6,
  ...['c.test', 'd.test', 'e.test', 'f.test', 'xn--strae-oqa.example', 'g.h.test'],
]

/** Any spelling of `host`. */
export function spellingsOf(host: string): fc.Arbitrary<string> {
  if (host.includes(':')) return ipv6Spelling(wordsOf(host)).map((text) => text)
  const bytes = host.split('.').map(Number)
  return bytes.length === 4 && bytes.every(Number.isInteger) ? ipv4Spelling(bytes) : nameSpelling(host)
}

const flags = (length: number) => fc.array(fc.boolean(), { minLength: length, maxLength: length })

function cased(text: string): fc.Arbitrary<string> {
  return flags(text.length).map((upper) =>
    Array.from(text, (each, at) => (upper[at] === true ? each.toUpperCase() : each)).join(''),
  )
}

/** IDNA treats full-width forms and ideographic stops as equal. */
function nameSpelling(host: string): fc.Arbitrary<string> {
  const spelled = host.replace('xn--bcher-kva', 'bücher').replace('xn--strae-oqa', 'straße')
  const isAscii = /^[\w.-]+$/.test(spelled)
  return fc
    .tuple(
      cased(fc.sample(fc.constant(host), 1)[0] ?? host),
      cased(isAscii ? spelled : host),
      flags(host.length),
      fc.boolean(),
      fc.boolean(),
      fc.boolean(),
    )
    .map(([one, two, wide, dot, unicode, native]) => {
      if (!isAscii && native) return `${spelled}${dot ? '.' : ''}`
      const text =
        unicode && !host.startsWith('xn--')
          ? Array.from(two, (each, at) => (wide[at] === true ? fullWidth(each) : each)).join('')
          : one
      return `${text}${dot ? '.' : ''}`
    })
}

function fullWidth(character: string): string {
  if (character === '.') return '。'
  return /[A-Za-z0-9]/.test(character) ? String.fromCharCode(character.charCodeAt(0) + 0xfee0) : character
}

function ipv4Spelling(bytes: readonly number[]): fc.Arbitrary<string> {
  const number = (value: number) =>
    fc.constantFrom(
      String(value),
      `0x${value.toString(16)}`,
      `0X${value.toString(16).toUpperCase()}`,
      `0x00${value.toString(16)}`,
      `0${value.toString(8)}`,
    )
  const parts = fc.constantFrom(1, 2, 3, 4).chain((count) => {
    const head = bytes.slice(0, count - 1)
    const tail = bytes.slice(count - 1).reduce((sum, byte) => sum * 256 + byte, 0)
    return fc.tuple(...[...head, tail].map(number)).map((texts) => texts.join('.'))
  })
  const [a = 0, b = 0, c = 0, d = 0] = bytes
  const words = [a * 256 + b, c * 256 + d]
  const within = ipv6Spelling([0, 0, 0, 0, 0, 0xffff, ...words])
  // The addresses that are compatible with `::` and `::1` are those addresses.
  const compatible = a === 0 && b === 0 ? within : ipv6Spelling([0, 0, 0, 0, 0, 0, ...words])
  return fc.oneof(
    fc.tuple(parts, fc.constantFrom('', '.')).map((each) => each.join('')),
    within,
    compatible,
  )
}

function ipv6Spelling(words: readonly number[]): fc.Arbitrary<string> {
  const word = (value: number) =>
    fc.constantFrom(value.toString(16), value.toString(16).padStart(4, '0'), value.toString(16).toUpperCase())
  const zone = fc.constantFrom('', '', '%lo', '%eth0')
  return fc
    .tuple(fc.tuple(...words.map(word)), fc.boolean(), fc.nat(7), fc.nat(8), zone, fc.boolean())
    .map(([texts, dotted, from, length, scope, brackets]) => {
      const [high = 0, low = 0] = words.slice(6)
      const tail = dotted ? [[high >> 8, high & 255, low >> 8, low & 255].join('.')] : texts.slice(6)
      const all = [...texts.slice(0, 6), ...tail]
      const to = Math.min(from + length, 6)
      const zeros = to - from > 0 && words.slice(from, to).every((each) => each === 0)
      const text = zeros ? `${all.slice(0, from).join(':')}::${all.slice(to).join(':')}` : all.join(':')
      return brackets ? `[${text}]` : `${text}${scope}`
    })
}

function wordsOf(address: string): readonly number[] {
  const [before = '', after = ''] = address.split('::')
  const read = (text: string) => (text === '' ? [] : text.split(':').map((word) => Number.parseInt(word, 16)))
  const [first, last] = [read(before), read(after)]
  return [...first, ...Array.from({ length: 8 - first.length - last.length }, () => 0), ...last]
}
