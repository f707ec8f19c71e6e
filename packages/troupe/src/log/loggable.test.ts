import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { loggable } from './loggable.ts'

const nasty = new Proxy(
  {},
  {
    ownKeys() {
      throw new Error('no keys')
    },
    getPrototypeOf() {
      throw new Error('no prototype')
    },
  },
)

describe('loggable', () => {
  it.each([
    ['undefined', undefined, undefined],
    ['a symbol', Symbol('s'), 'Symbol(s)'],
    ['a bigint', 5n, '5'],
    ['not a number', Number.NaN, 'NaN'],
    ['a URL', new URL('http://a/b'), 'http://a/b'],
    ['bytes', Buffer.from('secret'), '(6 bytes)'],
    ['a map', new Map([[{}, 1]]), { '[object Object]': 1 }],
    ['a set', new Set([1n]), ['1']],
    ['headers', new Headers({ a: 'b' }), { a: 'b' }],
    ['an invalid date', new Date(Number.NaN), null],
    ['an object that throws', nasty, '(cannot be shown: no prototype)'],
  ])('shows %s', (_, value, shown) => {
    expect(loggable(value)).toEqual(shown)
  })

  it('shows readable fields, and why the others are not', () => {
    const value = {
      a: 1,
      get b() {
        throw new Error('not now')
      },
    }
    expect(loggable(value)).toEqual({ a: 1, b: '(cannot be read: not now)' })
  })

  it('shows errors with own fields, details, nested errors, and causes', () => {
    const error = Object.assign(new AggregateError([new TypeError('one')], 'all', { cause: { status: 500 } }), {
      code: 'E_ALL',
      final: false,
    })
    expect(loggable({ error })).toMatchObject({
      error: {
        name: 'AggregateError',
        message: 'all',
        code: 'E_ALL',
        errors: [{ name: 'TypeError', message: 'one' }],
        cause: { status: 500 },
      },
    })
  })

  it('ends at cyclic, deep, wide or long values', () => {
    const round: Record<string, unknown> = {}
    round['self'] = round
    expect(loggable(round)).toEqual({ self: '(circular)' })
    let deep: object = {}
    for (let i = 0; i < 100_000; i += 1) deep = { deep }
    expect(JSON.stringify(loggable(deep))).toContain('…')
    expect(
      JSON.stringify(loggable({ wide: Array.from({ length: 1e6 }, (_, i) => i), text: 'x'.repeat(1e7) })).length,
    ).toBeLessThan(20_000)
    const tree = (depth: number): object => (depth === 0 ? {} : Array.from({ length: 50 }, () => tree(depth - 1)))
    expect(JSON.stringify(loggable(tree(3))).length).toBeLessThan(20_000)
  })

  it('never throws, and is JSON', () => {
    fc.assert(
      fc.property(
        fc.anything({
          withBigInt: true,
          withDate: true,
          withMap: true,
          withSet: true,
          withNullPrototype: true,
          withTypedArray: true,
        }),
        (value) => {
          expect(() => JSON.stringify({ value: loggable(value) })).not.toThrow()
        },
      ),
    )
  })

  it("does not load Node's HTTP client", async () => {
    const module = JSON.stringify(new URL('./loggable.ts', import.meta.url).href)
    const program = `import(${module}).then(({ loggable }) => {
      loggable({ a: [{}] })
      process.stdout.write(String(process.moduleLoadList.some((name) => name.includes('undici'))))
    })`
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', program])
    expect(stdout).toBe('false')
  })
})
