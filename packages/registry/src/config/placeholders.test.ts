import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { escapePlaceholders, parseTemplate } from './placeholders.ts'

const text = (value: string) => ({ type: 'text', text: value })
const variable = (name: string, fallback?: string) => ({ type: 'variable', name, fallback })

describe('parseTemplate', () => {
  it.each([
    ['plain', [text('plain')]],
    ['', []],
    ['${env:PORT}', [variable('PORT')]],
    ['${PORT}', [variable('PORT')]],
    ['${env:PORT|1080}', [variable('PORT', '1080')]],
    ['${PORT|}', [variable('PORT', '')]],
    ['${env:app.net:proxy|a|b}', [variable('app.net:proxy', 'a|b')]],
    [
      'socks://${HOST|::1}:${PORT}/',
      [text('socks://'), variable('HOST', '::1'), text(':'), variable('PORT'), text('/')],
    ],
    ['$${env:PORT}', [text('${env:PORT}')]],
    ['$$${A}', [text('$${A}')]],
    ['${A}$${B}${C}', [variable('A'), text('${B}'), variable('C')]],
    ['a $ b } { $c', [text('a $ b } { $c')]],
  ])('reads %j', (source, parts) => {
    expect(parseTemplate(source)).toEqual({ parts })
  })

  it.each(['${', '${}', '${A', '${a b}', '${1}', '${env:}', '${|x}', '${foo.bar()}'])(
    'reports what is wrong with %j',
    (source) => {
      expect(parseTemplate(source).fault).toContain('write "$${" for a literal "${"')
    },
  )

  it('does not show the content of the placeholder', () => {
    expect(parseTemplate('${pass word!}').fault).not.toContain('word')
  })

  it('accepts any text, and loses none of it', () => {
    const piece = fc.constantFrom('$', '{', '}', '|', 'env:', 'A', ' ', ':')
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.array(piece).map((pieces) => pieces.join('')),
        ),
        (source) => {
          const { parts, fault } = parseTemplate(source)
          if (fault === undefined && !source.includes('${')) expect(parts).toEqual(source === '' ? [] : [text(source)])
        },
      ),
      { numRuns: 500 },
    )
  })

  it('restores escaped text', () => {
    const piece = fc.constantFrom('$', '{', '}', '$${', '${A}', 'x')
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece).map((pieces) => pieces.join('')),
        ),
        (source) => {
          expect(parseTemplate(escapePlaceholders(source))).toEqual({ parts: source === '' ? [] : [text(source)] })
        },
      ),
      { numRuns: 500 },
    )
  })
})
