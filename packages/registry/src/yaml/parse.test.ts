import * as fc from 'fast-check'
import { dump } from 'js-yaml'
import { describe, expect, it } from 'vitest'
import { parseYaml, parseYamlValue } from './parse.ts'
import { keyPositionAt, mergeNodes, positionAt, valueOf, withNodeAt, type YamlNode } from './node.ts'

function parse(text: string): YamlNode {
  const { documents, problems } = parseYaml(text, 'a.yaml')
  expect(problems).toEqual([])
  const [node] = documents
  if (!node) throw new Error('no document')
  return node
}

function at(node: YamlNode, ...path: (string | number)[]): string {
  const { line, column } = positionAt(node, path)
  return `${line}:${column}`
}

function problems(text: string): readonly string[] {
  return parseYaml(text, 'a.yaml').problems.map(({ message, place }) => `${place?.line}:${place?.column} ${message}`)
}

describe('positions', () => {
  it('knows the line and column of every value and key', () => {
    const node = parse(
      '# app\na: 1\nlist:\n  - x\n  - "quoted"\n  - { k: v, "q": [1, 2] }\nmap:\n  deep: true\nempty:\n',
    )
    expect(at(node, 'a')).toBe('2:4')
    expect(at(node, 'list')).toBe('4:3')
    expect(at(node, 'list', 0)).toBe('4:5')
    expect(at(node, 'list', 1)).toBe('5:5')
    expect(at(node, 'list', 2, 'k')).toBe('6:10')
    expect(at(node, 'list', 2, 'q', 1)).toBe('6:22')
    expect(at(node, 'map', 'deep')).toBe('8:9')
    expect(at(node, 'empty')).toBe('9:1')
    expect(keyPositionAt(node, ['map', 'deep'])).toEqual({ file: 'a.yaml', line: 8, column: 3 })
    expect(at(node, 'map', 'absent')).toBe('8:3')
  })

  it('counts lines that end in CRLF, and skips a byte order mark', () => {
    expect(at(parse('\uFEFFa: 1\r\nb: 2\r\n'), 'b')).toBe('2:4')
    expect(at(parse('\uFEFFa: 1'), 'a')).toBe('1:4')
  })

  it('shows an alias at its anchor', () => {
    expect(at(parse('a: &x\n  b: 1\nc: *x\n'), 'c', 'b')).toBe('2:6')
  })
})

describe('values', () => {
  it('reads scalars by the core schema of YAML 1.2', () => {
    const text =
      'a: 12\nb: 1.5\nc: true\nd: yes\ne: "12"\nf: ~\ng: 2020-01-01\n' +
      'h: 0x10\ni: |\n  two\n  lines\nj: ${env:PORT|1080}\n'
    expect(valueOf(parse(text))).toEqual({
      a: 12,
      b: 1.5,
      c: true,
      d: 'yes',
      e: '12',
      f: null,
      g: '2020-01-01',
      h: 16,
      i: 'two\nlines\n',
      j: '${env:PORT|1080}',
    })
  })

  it('restores written values', () => {
    const json = fc
      .jsonValue({ stringUnit: 'grapheme' })
      .filter((value) => !JSON.stringify(value).includes('__proto__') && !JSON.stringify(value).includes('"<<"'))
    fc.assert(
      fc.property(json, (value) => {
        const { documents, problems } = parseYaml(dump({ value }), 'a.yaml')
        expect(problems).toEqual([])
        expect(normal(documents.map(valueOf))).toEqual([{ value: normal(value) }])
      }),
    )
  })

  it('accepts any text', () => {
    const piece = fc.constantFrom(
      'a',
      ': ',
      '- ',
      '\n',
      '  ',
      '{',
      '}',
      '[',
      ']',
      '"',
      "'",
      '&x ',
      '*x',
      '!!str ',
      '|',
      '>',
      '#',
      '---',
      '%',
      '\\U00FFFFFF',
      '\t',
      '<<',
      '?',
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.array(piece).map((pieces) => pieces.join('')),
        ),
        (text) => {
          const { problems } = parseYaml(text, 'a.yaml')
          for (const { place } of problems) expect(Math.min(place?.line ?? 0, place?.column ?? 0)).toBeGreaterThan(0)
        },
      ),
      { numRuns: 500 },
    )
  })
})

/** Without negative zeros, which JSON does not have. */
function normal(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}

describe('problems', () => {
  it.each([
    ['bad indentation', 'a: b: c\n', '1:5 this is not YAML: bad indentation of a mapping entry'],
    ['a key twice', 'a: 1\nb: 2\na: 3\n', '3:1 the key "a" is already defined on line 1'],
    ['a merge key', 'a: &x { b: 1 }\nc:\n  <<: *x\n', '3:3 merge keys ("<<") are not supported: write the fields out'],
    ['an unknown alias', 'a: *x\n', '1:4 the alias "*x" names no anchor that is complete before it'],
    ['an alias of itself', 'a: &x [*x]\n', '1:8 the alias "*x" names no anchor that is complete before it'],
    ['a tag', 'a: !!binary aGk=\n', '1:4 the tag "!!binary" is not supported: quote what is text'],
    ['a mapping as a key', '? { a: 1 }\n: 2\n', '1:3 a key must be plain text'],
    ['__proto__', '__proto__: 1\n', '1:1 "__proto__" cannot be a key'],
  ])('reports %s', (_, text, expected) => {
    expect(problems(text)).toEqual([expected])
  })

  it('reports several', () => {
    expect(problems('a: 1\na: 2\nb: 1\nb: 2\n')).toHaveLength(2)
  })

  it('refuses a document with exponential aliases', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]']
    for (let i = 1; i < 12; i++) lines.push(`a${i}: &a${i} [${`*a${i - 1}, `.repeat(9)}*a${i - 1}]`)
    expect(problems(lines.join('\n'))).toEqual([
      expect.stringMatching(/^5:\d+ the document expands to more than 100000 values$/),
    ])
  })

  it('refuses endless nesting', () => {
    expect(problems('['.repeat(10_000))).toHaveLength(1)
  })
})

describe('layers', () => {
  const place = { file: '--set', line: 1, column: 1 }

  it('merges mappings, replaces the rest, and keeps both positions', () => {
    const merged = mergeNodes(parse('a: { b: 1, c: [1, 2] }\n'), parse('\na: { c: [3] }\n'))
    expect(valueOf(merged)).toEqual({ a: { b: 1, c: [3] } })
    expect([at(merged, 'a', 'b'), at(merged, 'a', 'c', 0)]).toEqual(['1:9', '2:10'])
  })

  it('puts a value at a path, and refuses to go through a scalar', () => {
    const node = parse('a: { b: 1 }\nlist: [1, 2]\n')
    const value: YamlNode = { type: 'scalar', place, value: 9 }
    expect(valueOf(withNodeAt(node, ['x', 'y'], value) ?? node)).toEqual({ a: { b: 1 }, list: [1, 2], x: { y: 9 } })
    expect(valueOf(withNodeAt(node, ['list', 1], value) ?? node)).toEqual({ a: { b: 1 }, list: [1, 9] })
    expect(withNodeAt(node, ['a', 'b', 'c'], value)).toBeUndefined()
    expect(withNodeAt(node, ['list', 2], value)).toBeUndefined()
  })

  it('reads one value', () => {
    expect(parseYamlValue('[a, 1]', place)).toMatchObject({ type: 'sequence', place })
    expect(parseYamlValue('', place)).toEqual({ type: 'scalar', place, value: '' })
    expect(parseYamlValue('~', place)).toEqual({ type: 'scalar', place, value: null })
    expect(parseYamlValue('@x', place)).toMatchObject({ code: 'yaml', place })
  })
})

describe('whole numbers', () => {
  it.each(['12345678901234567890', '-9007199254740993', '0x20000000000001'])(
    'that lose digits are refused: %s',
    (text) => {
      expect(parseYaml(`account: ${text}`, 'a.yaml').problems).toMatchObject([
        { place: { line: 1, column: 10 }, message: expect.stringContaining('quote it') as unknown },
      ])
    },
  )

  it.each([
    '9007199254740992',
    '36098113325780970',
    '1000000000000000000000000',
    '0x40000000000000',
    '1e30',
    '"12345678901234567890"',
  ])('that keep them are not: %s', (text) => {
    expect(parseYaml(`account: ${text}`, 'a.yaml').problems).toEqual([])
  })
})
