import fc from 'fast-check'
import { expect, it } from 'vitest'
import { FakeAddresses, isFakeAddress, mapped } from './fake-addresses.ts'

it('gives each name an address of 198.18.0.0/15 that leads back to it', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.domain(), { maxLength: 50 }), (names) => {
      const table = new FakeAddresses()
      const addresses = names.map((name) => table.addressOf(name))
      expect(new Set(addresses).size).toBe(names.length)
      expect(addresses.every(isFakeAddress)).toBe(true)
      expect(addresses.map((address) => table.nameOf(address))).toEqual(names)
      expect(addresses.map((address) => table.nameOf(mapped(address)))).toEqual(names)
      expect(names.map((name) => table.addressOf(name))).toEqual(addresses)
    }),
  )
})

it('forgets the name that was asked for longest ago, and does not give its address away at once', () => {
  const table = new FakeAddresses(2)
  const one = table.addressOf('one')
  const two = table.addressOf('two')
  table.addressOf('one')
  table.addressOf('three')
  expect([table.nameOf(one), table.nameOf(two)]).toEqual(['one', undefined])
  expect(table.addressOf('four')).not.toBe(two)
})

it('knows no other address', () => {
  const others = ['198.17.255.255', '198.20.0.0', '127.0.0.1', '::1', '::ffff:127.0.0.1', 'web.test', '']
  expect(others.some(isFakeAddress)).toBe(false)
  expect(new FakeAddresses().nameOf('198.18.0.1')).toBeUndefined()
})

it('goes around without meeting a name that is in use', () => {
  const table = new FakeAddresses(4)
  const kept = table.addressOf('kept')
  for (let number = 0; number < 2 ** 17 + 8; number++) {
    table.addressOf(`name${number}`)
    table.addressOf('kept')
  }
  expect(table.nameOf(kept)).toBe('kept')
  expect(table.addressOf('kept')).toBe(kept)
})
