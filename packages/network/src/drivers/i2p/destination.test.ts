import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addressName, destinationIn, destinationOf, formatTarget, isDestination } from './destination.ts'
import { destination, privateKey } from './testing/sample.ts'

const b32 = `${'a2'.repeat(26)}.b32.i2p`
const whole = destination()

describe('a target of I2P', () => {
  it.each([
    [b32, b32],
    [b32.toUpperCase(), b32],
    [`${'a'.repeat(56)}.b32.i2p`, `${'a'.repeat(56)}.b32.i2p`],
    ['stats.i2p', 'stats.i2p'],
    ['A.b-c.I2P', 'a.b-c.i2p'],
    ['bücher.i2p', 'xn--bcher-kva.i2p'],
    [whole, whole],
    [whole.replace(/=+$/, ''), whole],
  ])('may be %s', (host, sent) => expect(destinationOf({ host, port: 80 })).toBe(sent))

  it.each([
    ['', 'nothing'],
    ['127.0.0.1', 'an IPv4 address'],
    ['::1', 'an IPv6 address'],
    ['example.org', 'a clear name'],
    ['i2p', 'a bare i2p'],
    ['.i2p', 'no name'],
    ['x.i2p.', 'a dot too many'],
    ['x.i2p.example.org', 'a name that ends elsewhere'],
    ['a b.i2p', 'a blank'],
    ['a\nSTREAM.i2p', 'a line'],
    ['a=b.i2p', 'a sign'],
    [`${'a'.repeat(64)}.i2p`, 'a long name'],
    [`${'a'.repeat(51)}.b32.i2p`, 'an address that is cut'],
    [`${'a'.repeat(51)}1.b32.i2p`, 'an address with a letter that there is not'],
    [`www.${b32}`, 'a name before an address'],
    [whole.slice(0, -12), 'a destination that is cut'],
    [`${whole.slice(0, -2)}AA==`, 'a destination with something behind it'],
    [privateKey(), 'a private key'],
    ['B'.repeat(516), 'keys without a certificate that fits'],
  ])('is not %j: %s', (host) => {
    expect(() => destinationOf({ host, port: 80 })).toThrow(expect.objectContaining({ kind: 'Invalid' }))
  })

  it.each([0, -1, 65_536, 1.5, Number.NaN])('has no port %s', (port) => {
    expect(() => destinationOf({ host: b32, port })).toThrow(expect.objectContaining({ kind: 'Invalid' }))
  })

  it('never contains characters that end or split a line, for any input', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string({ unit: 'binary' }).map((text) => `${text}.i2p`),
        ),
        (host) => {
          let sent = ''
          try {
            sent = destinationOf({ host, port: 80 })
          } catch {
            return
          }
          expect(sent).toMatch(/^[\w~=.-]+$/)
        },
      ),
    )
  })

  it('is abbreviated in errors', () => {
    expect(formatTarget({ host: whole, port: 80 })).toBe(`${whole.slice(0, 16)}…:80`)
    expect(() => destinationOf({ host: privateKey(), port: 80 })).toThrow(/^.{0,200}$/)
  })
})

describe('a destination', () => {
  it('is the beginning of its private key', () => {
    expect(destinationIn(privateKey('x'))).toBe(destination('x'))
    expect(destinationIn(destination('x'))).toBeUndefined()
    expect(destinationIn(`${privateKey('x')} `)).toBeUndefined()
    expect(destinationIn('')).toBeUndefined()
  })

  it('has an address that is its hash', async () => {
    expect(isDestination(whole)).toBe(true)
    expect(await addressName(whole)).toMatch(/^[a-z2-7]{52}\.b32\.i2p$/)
  })
})
