import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { entryId, isEntryId, isName, isPid, nameOf, namespaceOf, pid, serialOf, threadOf } from './id.ts'

describe('entry ids', () => {
  it.each(['app:proxy', 'app.net:proxy', '_a:b', 'App-1.x:fetch_ip', 'a:b.c-d'])('%s is valid', (text) => {
    expect(isEntryId(text)).toBe(true)
    expect(entryId(text)).toBe(text)
  })

  it.each(['', 'app', ':a', 'a:', 'a:b:c', '1a:b', 'a:1b', 'a b:c', 'a:b ', 'a:b\n', '.a:b', 'a:é'])(
    '%j is invalid',
    (text) => {
      expect(isEntryId(text)).toBe(false)
      expect(() => entryId(text)).toThrow(expect.objectContaining({ kind: 'Invalid' }))
    },
  )

  it('resolve a bare name relative to a namespace, and keep an id', () => {
    expect(entryId('proxy', 'app.net')).toBe('app.net:proxy')
    expect(entryId('other:proxy', 'app')).toBe('other:proxy')
    expect(() => entryId('a b', 'app')).toThrow('expected "namespace:name"')
  })

  it('split into namespace and name, and join again', () => {
    const name = fc.stringMatching(/^[A-Za-z_][\w.-]*$/)
    fc.assert(
      fc.property(name, name, (namespace, name) => {
        const id = entryId(name, namespace)
        expect([isName(namespace), namespaceOf(id), nameOf(id)]).toEqual([true, namespace, name])
      }),
    )
  })
})

describe('pids', () => {
  it('consist of a thread and a serial', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.maxSafeNat(), (thread, serial) => {
        const id = pid(thread, serial)
        expect([isPid(id), threadOf(id), serialOf(id)]).toEqual([true, thread, serial])
      }),
    )
  })

  it.each(['', '<1>', '<1.>', '<.1>', '<01.1>', '<1.01>', '<-1.1>', '1.1', '<1.1> ', '<1.1.1>', '<1e3.1>', 'mailer'])(
    '%j is invalid',
    (text) => {
      expect(isPid(text)).toBe(false)
    },
  )

  it.each([
    [-1, 0],
    [0, 1.5],
    [Number.NaN, 0],
    [0, Infinity],
    [1e21, 0],
  ])('reject %d and %d', (thread, serial) => {
    expect(() => pid(thread, serial)).toThrow(expect.objectContaining({ kind: 'Invalid' }))
  })
})
