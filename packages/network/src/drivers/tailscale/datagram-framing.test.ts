import fc from 'fast-check'
import { expect, it } from 'vitest'
import { frameOf, DatagramFrames } from './datagram-framing.ts'

it('decodes datagrams of a stream, at any split', () => {
  const datagram = fc.record({
    address: fc.constantFrom('100.64.0.1:53', '[fd7a::1]:65535', ''),
    payload: fc.uint8Array({ maxLength: 300 }),
  })
  fc.assert(
    fc.property(fc.array(datagram, { maxLength: 8 }), fc.array(fc.nat(40), { minLength: 1 }), (datagrams, sizes) => {
      const all = Buffer.concat(datagrams.map(({ address, payload }) => frameOf(address, payload)))
      const frames = new DatagramFrames()
      const found: { address: string; payload: Uint8Array }[] = []
      for (let [at, turn] = [0, 0]; at < all.length; turn += 1) {
        const size = (sizes[turn % sizes.length] ?? 0) + 1
        for (const { address, payload } of frames.push(all.subarray(at, at + size)))
          found.push({ address, payload: Uint8Array.from(payload) })
        at += size
      }
      expect(found).toEqual(datagrams)
    }),
  )
})
