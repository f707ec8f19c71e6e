import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Reply, ReplyParser } from './reply-parser.ts'

const byte = fc.integer({ min: 0, max: 255 })
const address = fc.oneof(
  fc.tuple(fc.constant(1), fc.uint8Array({ minLength: 4, maxLength: 4 })),
  fc.tuple(fc.constant(4), fc.uint8Array({ minLength: 16, maxLength: 16 })),
  fc.uint8Array({ maxLength: 255 }).map((name) => [3, Uint8Array.from([name.length, ...name])] as const),
)
const login = fc.constantFrom([], [1, 0], [5, 0])
/** All replies of a proxy to a successful client, and the target's data after them. */
const dialogue = fc.record({
  login,
  reserved: byte,
  address,
  port: fc.integer({ min: 0, max: 65_535 }),
  behind: fc.uint8Array(),
})

/** Feeds `bytes` in chunks of `size`, and reads all available replies after each. */
function read(bytes: Uint8Array, size: number): { answers: readonly Reply[]; rest: Buffer } {
  const answers = new ReplyParser()
  const found: Reply[] = []
  for (let at = 0; at < bytes.length; at += size) {
    answers.push(Buffer.from(bytes.subarray(at, at + size)))
    while (!over(found.at(-1))) {
      const answer = answers.next()
      if (answer === undefined) break
      found.push(answer)
    }
  }
  return { answers: found, rest: answers.rest }
}

const over = (answer: Reply | undefined) => answer !== undefined && answer.type !== 'method' && answer.type !== 'login'

describe('replies of a proxy', () => {
  it('are parsed the same in pieces of any size, and leave the bytes behind them', () => {
    fc.assert(
      fc.property(dialogue, ({ login, reserved, address: [addressType, host], port, behind }) => {
        const start = [5, login.length === 0 ? 0 : 2, ...login]
        const bytes = Uint8Array.from([
          ...start,
          5,
          0,
          reserved,
          addressType,
          ...host,
          port >> 8,
          port & 255,
          ...behind,
        ])
        const whole = read(bytes, bytes.length)
        expect(whole.answers.map(({ type }) => type)).toEqual([
          'method',
          ...(login.length === 0 ? [] : ['login']),
          'success',
        ])
        expect(whole.answers.at(-1)).toEqual({ type: 'success', addressType, address: Buffer.from(host), port })
        expect(whole.rest).toEqual(Buffer.from(behind))
        for (let size = 1; size < bytes.length; size++) expect(read(bytes, size)).toEqual(whole)
      }),
      { numRuns: 40 },
    )
  })

  it('are never completed: a success that is cut anywhere is none', () => {
    fc.assert(
      fc.property(dialogue, fc.nat(), ({ address: [addressType, host], port }, at) => {
        const bytes = Uint8Array.from([5, 0, 5, 0, 0, addressType, ...host, port >> 8, port & 255])
        const cut = bytes.subarray(0, at % bytes.length)
        expect(read(cut, cut.length).answers.every(({ type }) => type === 'method')).toBe(true)
      }),
    )
  })

  it('of any bytes, split at any position, are parsed the same way, without an exception', () => {
    const likely = fc.uint8Array({ maxLength: 24, max: 6 })
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), likely), (noise) => {
        const whole = read(noise, noise.length)
        for (let at = 1; at < noise.length; at++) {
          const answers = new ReplyParser()
          const found: Reply[] = []
          for (const piece of [noise.subarray(0, at), noise.subarray(at)]) {
            answers.push(Buffer.from(piece))
            for (
              let answer = over(found.at(-1)) ? undefined : answers.next();
              answer;
              answer = over(answer) ? undefined : answers.next()
            )
              found.push(answer)
          }
          expect(found).toEqual(whole.answers)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('to a login that was sent with the greeting may come alone', () => {
    for (const [bytes, type] of [
      [[1, 0, 5, 0, 0, 1, 1, 2, 3, 4, 0, 80], 'success'],
      [[1, 1], 'login'],
      [[5, 2, 1, 0, 5, 5], 'refusal'],
    ] as const) {
      const answers = new ReplyParser(true)
      answers.push(Buffer.from(bytes))
      let last = answers.next()
      while (!over(last) && answers.rest.length > 0) last = answers.next()
      expect(last?.type).toBe(type)
    }
    expect(read(Uint8Array.from([1, 0]), 1).answers).toEqual([{ type: 'alien', looksLike: 'something else' }])
  })

  it.each<[string, number[], Reply]>([
    ['HTTP', [...Buffer.from('HTTP/1.0 501')], { type: 'alien', looksLike: 'HTTP' }],
    ['SOCKS4', [0, 90], { type: 'alien', looksLike: 'something else' }],
    ['a reply in place of the answer to a login', [5, 2, 5, 1, 0, 1, 0, 0, 0, 0, 0, 0], { type: 'refusal', code: 1 }],
    ['another protocol in place of the answer to a login', [5, 2, 7], { type: 'alien', looksLike: 'something else' }],
    ['an address type of 0 in a refusal', [5, 0, 5, 4, 0, 0, 0, 0, 0, 0, 0, 0], { type: 'refusal', code: 4 }],
    ['an address type of 0 in a success', [5, 0, 5, 0, 0, 0], { type: 'alien', looksLike: 'something else' }],
    ['an address type of 2', [5, 0, 5, 0, 0, 2], { type: 'alien', looksLike: 'something else' }],
    ['a refusal that is cut off', [5, 0, 5, 5], { type: 'refusal', code: 5 }],
    ['a wrong version in the reply', [5, 0, 4], { type: 'alien', looksLike: 'something else' }],
  ])('decode %s', (_name, bytes, last) => {
    expect(read(Uint8Array.from(bytes), 1).answers.at(-1)).toEqual(last)
    expect(read(Uint8Array.from(bytes), bytes.length).answers.at(-1)).toEqual(last)
  })
})
