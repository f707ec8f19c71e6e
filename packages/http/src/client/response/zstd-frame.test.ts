import { constants, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ZstdFrame } from './zstd-frame.ts'

const skippable = (content: Uint8Array) => {
  const head = Buffer.alloc(8)
  head.writeUInt32LE(0x18_4d_2a_53, 0)
  head.writeUInt32LE(content.length, 4)
  return Buffer.concat([head, content])
}

const frames = fc.oneof(
  fc.uint8Array({ maxLength: 600 }).map(skippable),
  fc
    .record({
      content: fc.oneof(
        fc.uint8Array({ maxLength: 5000 }),
        fc.nat(400_000).map((length) => Buffer.alloc(length, 'abc')),
        fc
          .integer({ min: 120_000, max: 300_000 })
          .map((length) => Buffer.from(Array.from({ length }, (_each, index) => (index * index) % 251))),
      ),
      checksum: fc.nat(1),
      size: fc.nat(1),
    })
    .map(({ content, checksum, size }) =>
      zstdCompressSync(content, {
        params: { [constants.ZSTD_c_checksumFlag]: checksum, [constants.ZSTD_c_contentSizeFlag]: size },
      }),
    ),
)

it('finds the end of a frame, in pieces of any size', () => {
  fc.assert(
    fc.property(
      frames,
      fc.uint8Array({ maxLength: 10 }),
      fc.array(fc.nat(200_000), { maxLength: 6 }),
      (frame, behind, cuts) => {
        const bytes = Buffer.concat([frame, behind])
        const reader = new ZstdFrame()
        const ends = [...new Set([...cuts.filter((cut) => cut > 0 && cut < bytes.length), bytes.length])].toSorted(
          (a, b) => a - b,
        )
        let from = 0
        let found: number | undefined
        for (const end of ends) {
          const taken = reader.take(bytes.subarray(from, end))
          if (taken !== undefined) {
            found = from + taken
            break
          }
          from = end
        }
        expect(found).toBe(frame.length)
      },
    ),
    { numRuns: 200 },
  )
})

it('treats data without a frame as one without an end', () => {
  expect(new ZstdFrame().take(Buffer.from('no frame at all'))).toBeUndefined()
})
