import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { explain, parseReply } from './reply.ts'

describe('a reply of a SAM bridge', () => {
  it.each([
    ['HELLO REPLY RESULT=OK VERSION=3.1', 'HELLO REPLY', 'OK', { RESULT: 'OK', VERSION: '3.1' }],
    [
      'STREAM STATUS RESULT=I2P_ERROR MESSAGE="no luck = none"',
      'STREAM STATUS',
      'I2P_ERROR',
      { RESULT: 'I2P_ERROR', MESSAGE: 'no luck = none' },
    ],
    ['SESSION STATUS RESULT=OK DESTINATION=AB~-==', 'SESSION STATUS', 'OK', { RESULT: 'OK', DESTINATION: 'AB~-==' }],
    ['DEST REPLY PUB=A== PRIV=B==', 'DEST REPLY', '', { PUB: 'A==', PRIV: 'B==' }],
    ['SESSION STATUS RESULT=X MESSAGE="a \\"b\\" \\\\"', 'SESSION STATUS', 'X', { RESULT: 'X', MESSAGE: 'a "b" \\' }],
    ['SESSION STATUS RESULT=OK\r', 'SESSION STATUS', 'OK', { RESULT: 'OK' }],
    ['STREAM STATUS', 'STREAM STATUS', '', {}],
    ['STREAM STATUS RESULT= X=', 'STREAM STATUS', '', { RESULT: '', X: '' }],
  ])('is parsed: %s', (line, topic, result, values) => {
    const reply = parseReply(line)
    expect(reply).toMatchObject({ topic, result })
    expect(Object.fromEntries(reply?.values ?? [])).toEqual(values)
  })

  it.each([
    '',
    'HTTP/1.1 400 Bad Request',
    'hello reply',
    'STREAM',
    'STREAM STATUSRESULT=OK x'.toLowerCase(),
    '\u0005\u0000',
  ])('is not %j', (line) => {
    expect(parseReply(line)).toBeUndefined()
  })

  it('restores any values that were written', () => {
    const value = fc.string({ unit: fc.constantFrom('a', 'b', ' ', '=', '\\', '"', "'", '~') })
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^[A-Z_]{1,8}$/), value), (values) => {
        const words = Object.entries(values).map(([key, text]) => `${key}="${text.replaceAll(/[\\"]/g, '\\$&')}"`)
        expect(Object.fromEntries(parseReply(['STREAM STATUS', ...words].join(' '))?.values ?? [])).toEqual({
          ...values,
        })
      }),
    )
  })

  it('of any characters is parsed without an exception', () => {
    fc.assert(fc.property(fc.string({ maxLength: 4000 }), (text) => void parseReply(`STREAM STATUS ${text}`)))
    for (const text of ['A="' + '\\'.repeat(16_000), 'a'.repeat(16_000)]) parseReply(`STREAM STATUS ${text}`)
  })

  it('has messages for results that SAM does not define, too', () => {
    expect(explain('SOMETHING')).toMatchObject({ ofTarget: false })
    expect(explain('toString')).toMatchObject({ words: 'a result that SAM does not name' })
  })
})

it('may have quoted and empty values, and ends where the quotes do (arvidn/libtorrent#8369)', () => {
  const values = parseReply('SESSION STATUS RESULT="I2P_ERROR" MESSAGE="" DESTINATION="a=b c"')?.values
  expect(Object.fromEntries(values ?? [])).toEqual({ RESULT: 'I2P_ERROR', MESSAGE: '', DESTINATION: 'a=b c' })
})
