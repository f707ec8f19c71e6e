import { isDeepStrictEqual } from 'node:util'
import { MessageChannel } from 'node:worker_threads'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as payload from './payload.ts'

const { pack, snapshotArguments } = payload

/** A value as another thread would receive it. */
function snapshot(value: unknown): unknown {
  return payload.unpack(structuredClone(payload.snapshot(value)))
}

class SendWindow {
  readonly owner = 'anna'
  readonly #secret = 5
  get secret(): number {
    return this.#secret
  }
}

describe('a snapshot', () => {
  it.each([
    ['a text', 'text'],
    ['nothing', undefined],
    ['null', null],
    ['a bigint', 5n],
    ['not a number', Number.NaN],
    ['minus zero', -0],
    ['an object', { a: { b: [1, { c: null }] }, u: undefined }],
    ['a date', { at: new Date(5) }],
    ['a regular expression', [/a+/gi]],
    ['a map', new Map<unknown, unknown>([[{ a: 1 }, new Set([1])]])],
    ['bytes', { bytes: new Uint8Array([1, 2]), view: new DataView(new ArrayBuffer(2)) }],
    ['an error', { error: new RangeError('far', { cause: 5 }) }],
    ['boxed values', [Object(5), Object('a')]],
    ['a long array', Array.from({ length: 1000 }, (_, i) => ({ i }))],
  ])('of %s is its equal', (_, value) => {
    const copy = snapshot(value)
    expect(copy).toEqual(value)
    if (typeof value === 'object' && value !== null) expect(copy).not.toBe(value)
  })

  it('equals any plain data', () => {
    fc.assert(
      fc.property(
        fc.anything({
          withDate: true,
          withMap: true,
          withSet: true,
          withTypedArray: true,
          withSparseArray: true,
          withBigInt: true,
        }),
        (value) => {
          expect(isDeepStrictEqual(snapshot(value), structuredClone(value))).toBe(true)
        },
      ),
    )
  })

  it('does not see later changes', () => {
    const value = { list: [1, { deep: 'a' }] as unknown[], at: new Date(5) }
    const copies = [snapshot(value), snapshot({ list: value.list })]
    value.list.push(2)
    Object.assign(value.list[1] as object, { deep: 'b' })
    value.at.setTime(6)
    expect(copies).toEqual([{ list: [1, { deep: 'a' }], at: new Date(5) }, { list: [1, { deep: 'a' }] }])
  })

  it('keeps cycles and shared references', () => {
    const shared = { a: 1 }
    const value: Record<string, unknown> = { one: shared, two: shared }
    value['self'] = value
    const copy = snapshot(value) as Record<string, unknown>
    expect(copy['self']).toBe(copy)
    expect(copy['one']).toBe(copy['two'])
    expect(copy['one']).not.toBe(shared)
  })

  it('keeps holes and extra keys of arrays', () => {
    // oxlint wants no holes in literals.
    const holes: unknown[] = [1]
    holes[3] = 4
    const copy = snapshot(holes) as unknown[]
    expect(copy).toHaveLength(4)
    expect(1 in copy).toBe(false)
    expect(snapshot(Object.assign([1], { extra: 5 }))).toHaveProperty('extra', 5)
  })

  it('of a class is a plain object of its own fields', () => {
    const copy = snapshot({ sendWindow: new SendWindow() }) as { sendWindow: object }
    expect(copy.sendWindow).toEqual({ owner: 'anna' })
    expect(Object.getPrototypeOf(copy.sendWindow)).toBe(Object.prototype)
  })

  it('leaves out non-enumerable properties, and symbol keys', () => {
    const value = Object.defineProperty({ a: 1, [Symbol('s')]: 2 }, 'hidden', { value: 3 })
    expect(Reflect.ownKeys(snapshot(value) as object)).toEqual(['a'])
  })

  it('cannot be given a prototype', () => {
    const value: unknown = JSON.parse('{"__proto__": {"admin": true}, "a": {"__proto__": {"admin": true}}}')
    const copy = snapshot(value) as { a: object }
    expect(Object.hasOwn(copy, '__proto__')).toBe(true)
    for (const part of [copy, copy.a]) {
      expect(Object.getPrototypeOf(part)).toBe(Object.prototype)
      expect('admin' in part).toBe(false)
    }
    expect('admin' in (snapshot(Object.create(null)) as object)).toBe(false)
  })

  it('contains the values that getters returned', () => {
    let calls = 0
    const value = {
      get a() {
        calls += 1
        return { n: calls }
      },
    }
    expect(snapshot(value)).toEqual({ a: { n: 1 } })
  })
})

describe('a value that cannot be cloned is Invalid, with its path', () => {
  const nothing = () => undefined
  it.each([
    ['payload', nothing],
    ['payload', Symbol('s')],
    ['payload.user.callback', { user: { fine: 1, callback: nothing } }],
    ['payload[1].mark', [1, { mark: Symbol('s') }]],
    [
      'payload.map.get(1)',
      {
        map: new Map<unknown, unknown>([
          ['a', 1],
          ['b', nothing],
        ]),
      },
    ],
    ['payload.map.key(0)', { map: new Map([[nothing, 1]]) }],
    ['payload.item(0).a', new Set([{ a: nothing }])],
    ['payload.weak', { weak: new WeakMap() }],
    ['payload.promise', { promise: Promise.resolve() }],
  ])('%s', (path, value) => {
    expect(() => snapshot(value)).toThrow(expect.objectContaining({ kind: 'Invalid', details: { path } }))
    expect(() => snapshot(value)).toThrow(`at ${path}`)
  })

  it('in a cycle', () => {
    const value: Record<string, unknown> = {}
    value['self'] = value
    value['bad'] = nothing
    expect(() => snapshot(value)).toThrow('at payload.bad')
  })

  it('for a getter that throws, at any depth', () => {
    const value = {
      fine: 1,
      a: {
        get trap() {
          throw new Error('got you')
        },
      },
    }
    expect(() => snapshot(value)).toThrow(
      expect.objectContaining({ kind: 'Invalid', details: { path: 'payload.a.trap' } }),
    )
    expect(() => snapshot(value)).toThrow('got you')
    expect(() => snapshot([new Date(), value])).toThrow('at payload[1].a.trap')
  })

  it('for a proxy that throws', () => {
    const proxy = new Proxy(
      {},
      {
        ownKeys() {
          throw new Error('got you')
        },
      },
    )
    expect(() => snapshot({ proxy })).toThrow(expect.objectContaining({ kind: 'Invalid' }))
  })

  it('for a proxy that was revoked', () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    expect(() => snapshot({ a: [proxy] })).toThrow(
      expect.objectContaining({ kind: 'Invalid', details: { path: 'payload.a[0]' } }),
    )
  })

  it('for an endlessly deep object', () => {
    let value: unknown = 1
    for (let i = 0; i < 200_000; i += 1) value = { value }
    expect(() => snapshot({ value, bad: nothing })).toThrow(expect.objectContaining({ kind: 'Invalid' }))
  })

  it('for an argument, with its index', () => {
    expect(snapshotArguments([1, { a: 1 }])).toEqual([1, { a: 1 }])
    expect(() => snapshotArguments([1, { a: nothing }])).toThrow(
      expect.objectContaining({
        kind: 'Invalid',
        message: expect.stringContaining('argument 2: ') as unknown,
        details: { path: 'payload.a' },
      }),
    )
  })
})

describe('a transferred object', () => {
  it('is moved: the sender loses it at once', () => {
    const bytes = new Uint8Array([1, 2, 3])
    const packed = pack({ bytes }, [bytes.buffer])
    expect(bytes.byteLength).toBe(0)
    expect(packed.payload).toEqual({ bytes: new Uint8Array([1, 2, 3]) })
    const [moved] = packed.transfer
    expect(moved).toBe((packed.payload as { bytes: Uint8Array }).bytes.buffer)
  })

  it('may be a port', () => {
    const { port1, port2 } = new MessageChannel()
    const packed = pack({ port: port1 }, [port1])
    expect((packed.payload as { port: unknown }).port).toBe(packed.transfer[0])
    port2.close()
  })

  it('must not hide a value that cannot be cloned', () => {
    const { port1, port2 } = new MessageChannel()
    expect(() => pack({ port: port1, deep: [() => 5] }, [port1])).toThrow(
      expect.objectContaining({ kind: 'Invalid', details: { path: 'payload.deep[0]' } }),
    )
    expect(() => pack({ port: port1 }, [])).toThrow(expect.objectContaining({ details: { path: 'payload.port' } }))
    port2.close()
  })

  it('is Invalid when it was moved before', () => {
    const buffer = new ArrayBuffer(2)
    structuredClone(buffer, { transfer: [buffer] })
    expect(() => pack({ a: 1 }, [buffer])).toThrow(expect.objectContaining({ kind: 'Invalid' }))
  })
})
