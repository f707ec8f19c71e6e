import fc from 'fast-check'
import { expect, it } from 'vitest'
import { AddressLeases, blockSize, mostBlocks } from './address-leases.ts'
import { FakeAddresses, fakeNumberOf, isFakeAddress, mapped } from './fake-addresses.ts'

/** The addresses of a thread, and the name behind one. */
function thread(leases: AddressLeases, number: number, most?: number) {
  const table = new FakeAddresses(async (back) => Promise.resolve(leases.lease(number, back)), most)
  return {
    addressOf: async (name: string) => table.addressOf(name),
    nameOf: (address: string) => table.nameOf(fakeNumberOf(address) ?? -1),
  }
}

it('gives each name an address of 198.18.0.0/15 that leads back to it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(fc.domain(), { maxLength: 3 * blockSize }), async (names) => {
      const table = thread(new AddressLeases(), 1)
      const addresses = await Promise.all(names.map(table.addressOf))
      expect(new Set(addresses).size).toBe(names.length)
      expect(addresses.every(isFakeAddress)).toBe(true)
      expect(addresses.map(table.nameOf)).toEqual(names)
      expect(addresses.map((address) => table.nameOf(mapped(address)))).toEqual(names)
      expect(await Promise.all(names.map(table.addressOf))).toEqual(addresses)
    }),
    { numRuns: 20 },
  )
})

it('returns at once if the thread has a block', async () => {
  const table = new FakeAddresses(async () => Promise.resolve(1))
  await table.addressOf('one')
  expect(table.addressOf('two')).toBe('198.18.0.65')
  expect(table.addressOf('one')).toBe('198.18.0.64')
})

it('an address of one thread is no name in another, also when threads start and end', async () => {
  const leases = new AddressLeases()
  const [one, two] = [thread(leases, 1), thread(leases, 2)]
  const hers = await one.addressOf('bank.test')
  const his = await two.addressOf('other.test')
  expect(his).not.toBe(hers)
  expect([one.nameOf(his), two.nameOf(hers)]).toEqual([undefined, undefined])
  leases.release(1)
  expect(leases.isLeased(fakeNumberOf(hers) ?? -1)).toBe(false)
  expect(leases.isLeased(fakeNumberOf(his) ?? -1)).toBe(true)
  // A returned block is leased again last.
  const seen = await Promise.all(
    Array.from({ length: 200 }, async (_, at) => thread(leases, at + 3).addressOf(`name${at}`)),
  )
  expect(seen).not.toContain(hers)
})

it('a thread drops the block that it used longest ago, which is not leased again at once', async () => {
  const leases = new AddressLeases()
  const table = thread(leases, 1, 2)
  const fill = async (prefix: string) =>
    Promise.all(Array.from({ length: blockSize }, async (_, at) => table.addressOf(`${prefix}${at}`)))
  const [first = ''] = await fill('first')
  const [second = ''] = await fill('second')
  expect(table.nameOf(first)).toBe('first0')
  const third = await fill('third')
  expect([table.nameOf(first), table.nameOf(second)]).toEqual(['first0', undefined])
  expect(third).not.toContain(second)
  expect(await table.addressOf('second0')).not.toBe(second)
})

it('leases no more than there are', () => {
  const leases = new AddressLeases()
  const refused: unknown = expect.objectContaining({ kind: 'RateLimited' })
  const take = (holder: number, blocks: number) => {
    for (let block = 0; block < blocks; block++) leases.lease(holder)
  }
  take(1, mostBlocks)
  expect(() => leases.lease(1)).toThrow(refused)
  for (let holder = 2; holder < 8; holder++) take(holder, mostBlocks)
  take(8, mostBlocks - 1)
  expect(() => leases.lease(9)).toThrow(refused)
  leases.release(1)
  const block = leases.lease(9)
  expect(leases.lease(9, block)).not.toBe(block)
  expect(() => leases.lease(10, 2000)).toThrow(expect.objectContaining({ kind: 'Invalid' }))
})

it('recognises its addresses in every form, and no other', () => {
  const forms = [
    '198.18.1.2',
    '::ffff:198.18.1.2',
    '::FFFF:c612:102',
    '0:0:0:0:0:ffff:c612:0102',
    '::ffff:c612:102%eth0',
    '3323068674',
  ]
  const others = [
    '0xc6120102',
    '0xC6.0x12.1.2',
    '0306.022.1.2',
    '198.18.258',
    '198.1179906',
    '198.18.1.2.',
    '198.18.01.02',
    '１９８.18.1.2',
  ]
  for (const form of [...forms, ...others]) expect([form, fakeNumberOf(form)]).toEqual([form, 258])
  const none = [
    '198.17.255.255',
    '198.20.0.0',
    '127.0.0.1',
    '::1',
    '::ffff:127.0.0.1',
    'web.test',
    '',
    'fe80::1',
    '198.18',
    'c612:102::',
    '4294967296',
  ]
  expect(none.filter(isFakeAddress)).toEqual([])
})
