import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { errorFromWire } from './error-from-wire.ts'
import { asTroupeError, errorToWire } from './error-wire.ts'
import { denied, type ErrorKind, invalid, isErrorKind, notFound, TroupeError, unavailable } from './errors.ts'

/** Copies a value as a message port does. */
function cross(thrown: unknown): TroupeError {
  return errorFromWire(structuredClone(errorToWire(thrown)))
}

class QuotaError extends Error {
  override name = 'QuotaError'
  readonly limit = 5
  readonly kind = 'RateLimited'
  readonly retryable = true
}

describe('a TroupeError', () => {
  const kinds: readonly ErrorKind[] = ['NotFound', 'Invalid', 'Unavailable', 'Timeout', 'Canceled', 'Internal']

  it.each(kinds)('is transferred completely: %s', (kind) => {
    const error = new TroupeError(kind, 'no luck', {
      details: { port: 5, list: [1] },
      cause: invalid('bad input', { path: 'a.b' }),
    })
    const there = cross(error)
    expect(there).toBeInstanceOf(TroupeError)
    expect(there).toMatchObject({
      kind,
      message: 'no luck',
      retryable: error.retryable,
      final: false,
      details: { port: 5, list: [1] },
    })
    expect(there.stack).toBe(error.stack)
    expect(there.cause).toMatchObject({ kind: 'Invalid', message: 'bad input', details: { path: 'a.b' } })
  })

  it.each([true, false, undefined])('keeps retryable: %s', (retryable) => {
    const error = new TroupeError('Timeout', 'late', retryable === undefined ? {} : { retryable })
    expect(cross(error)).toMatchObject({ retryable: retryable ?? true, final: retryable === false })
    expect(cross(cross(error))).toMatchObject({ retryable: retryable ?? true, final: retryable === false })
  })

  it('is final if it is a denial', () => {
    expect(cross(denied('no'))).toMatchObject({ kind: 'PermissionDenied', final: true, retryable: false })
    expect(cross(unavailable('later'))).toMatchObject({ retryable: true, final: false })
  })
})

describe('an error of another class', () => {
  it('keeps its name and fields, with kind Unknown', () => {
    const error = Object.assign(new RangeError('too far'), { code: 'ERR_FAR', limit: { km: 5 } })
    expect(cross(error)).toMatchObject({
      name: 'RangeError',
      kind: 'Unknown',
      message: 'too far',
      retryable: false,
      final: false,
      details: { code: 'ERR_FAR', limit: { km: 5 } },
    })
  })

  it('keeps a kind of its own', () => {
    expect(cross(new QuotaError('slow down'))).toMatchObject({
      name: 'QuotaError',
      kind: 'RateLimited',
      retryable: true,
      details: { limit: 5 },
    })
    expect(cross(Object.assign(new Error('x'), { kind: 'Strange' }))).toMatchObject({ kind: 'Unknown' })
  })

  it('keeps the errors of an AggregateError', () => {
    const error = new AggregateError([new Error('one'), notFound('two')], 'all failed')
    expect(cross(error)).toMatchObject({
      name: 'AggregateError',
      details: { errors: [{ message: 'one' }, { message: 'two' }] },
    })
  })

  it('shows values that cannot be cloned as text', () => {
    const error = Object.assign(new Error('x'), { callback: () => 5, mark: Symbol('here'), fine: 1 })
    expect(cross(error).details).toEqual({ callback: '() => 5', mark: 'Symbol(here)', fine: 1 })
  })
})

describe('a thrown value that is not an error', () => {
  it.each([
    ['a text', 'a text', 'a text'],
    [5, 5, '5'],
    [undefined, undefined, 'undefined'],
    [null, null, 'null'],
    [Symbol('s'), 'Symbol(s)', 'Symbol(s)'],
    [{ code: 5 }, { code: 5 }, '{ code: 5 }'],
  ])('becomes an error: %s', (thrown, carried, message) => {
    const error = cross(thrown)
    expect(error).toMatchObject({ name: 'Error', kind: 'Unknown', message })
    expect(error.details).toEqual({ thrown: carried })
  })

  it('becomes an error even if it cannot be shown', () => {
    const nasty = {
      [inspect.custom]() {
        throw new Error('no')
      },
      callback() {},
    }
    expect(cross(nasty).message).toBe('(a value that cannot be shown)')
    expect(cross(Object.create(null)).message).toBe('[Object: null prototype] {}')
  })
})

describe('an error that resists reading', () => {
  function withGetter(key: string): Error {
    return Object.defineProperty(new Error('fine'), key, {
      enumerable: true,
      get() {
        throw new Error('got you')
      },
    })
  }

  it.each(['name', 'message', 'stack', 'cause', 'kind', 'retryable', 'details', 'extra', 'errors'])(
    'by a getter of %s that throws',
    (key) => {
      const error = cross(withGetter(key))
      expect(error).toBeInstanceOf(TroupeError)
      expect(error.message).toBe(key === 'message' ? '(an error whose message cannot be read)' : 'fine')
    },
  )

  it('by getters in its details', () => {
    const details = Object.defineProperty({ fine: 1 }, 'trap', {
      enumerable: true,
      get() {
        throw new Error('got you')
      },
    })
    expect(cross(Object.assign(new Error('x'), { details })).details).toMatchObject({ fine: 1 })
  })

  it.each(['get', 'ownKeys', 'getPrototypeOf', 'getOwnPropertyDescriptor', 'has'])(
    'as a proxy whose %s throws',
    (trap) => {
      const proxy = new Proxy(new Error('fine'), {
        [trap]() {
          throw new Error('got you')
        },
      })
      expect(cross(proxy)).toBeInstanceOf(TroupeError)
    },
  )

  it('as a revoked proxy, directly or nested', () => {
    const revoked = () => {
      const { proxy, revoke } = Proxy.revocable({}, {})
      revoke()
      return proxy
    }
    expect(cross(revoked())).toBeInstanceOf(TroupeError)
    for (const key of ['details', 'cause', 'extra', 'errors', 'name', 'message'])
      expect(cross(Object.assign(new Error('fine'), { [key]: revoked() }))).toBeInstanceOf(TroupeError)
  })

  it('by being its own cause', () => {
    const error = new Error('round')
    error.cause = error
    let depth = 0
    for (let at: unknown = cross(error); at instanceof Error; at = at.cause) depth += 1
    expect(depth).toBeLessThan(20)
  })

  it('by an endless message', () => {
    expect(cross(new Error('x'.repeat(10_000_000))).message.length).toBeLessThan(100_000)
  })

  it('by a field named __proto__', () => {
    const error = Object.defineProperty(new Error('x'), '__proto__', { enumerable: true, value: { admin: true } })
    const { details } = cross(error)
    expect('admin' in details).toBe(false)
  })
})

it('any thrown value can be described, and the description can be cloned', () => {
  fc.assert(
    fc.property(
      fc.anything({ withDate: true, withMap: true, withSet: true, withNullPrototype: true, withTypedArray: true }),
      (thrown) => {
        expect(isErrorKind(cross(thrown).kind)).toBe(true)
      },
    ),
  )
})

it('asTroupeError returns a TroupeError unchanged', () => {
  const error = notFound('x')
  expect(asTroupeError(error)).toBe(error)
  expect(asTroupeError(new TypeError('y'))).toMatchObject({ name: 'TypeError', kind: 'Unknown', message: 'y' })
})
