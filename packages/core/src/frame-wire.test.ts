import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { emptyFrame, fork } from './frame.ts'
import { FrameDecoder, FrameEncoder, type FrameReference, frameTableSize } from './frame-wire.ts'
import { entryId } from './id.ts'

/** Copies a value as a message port does. */
function cross(reference: FrameReference): FrameReference {
  return structuredClone(reference)
}

describe('frames on a channel', () => {
  it('are sent completely once, and as a number afterwards', () => {
    const encoder = new FrameEncoder()
    const decoder = new FrameDecoder()
    const frame = fork(emptyFrame, { overlay: entryId('app:proxy'), values: { tenant: 'a' }, deadline: 5 })
    const first = encoder.encode(frame)
    expect(first).toEqual({ number: 0, frame })
    const arrived = decoder.decode(cross(first))
    expect(arrived).toEqual(frame)
    expect(Object.isFrozen(arrived)).toBe(true)
    expect(Object.isFrozen(arrived?.values)).toBe(true)
    expect(encoder.encode(frame)).toBe(0)
    expect(decoder.decode(0)).toBe(arrived)
  })

  it('distinguish the clear network from no choice', () => {
    const encoder = new FrameEncoder()
    const decoder = new FrameDecoder()
    expect(decoder.decode(cross(encoder.encode(fork(emptyFrame, { overlay: null }))))?.overlay).toBeNull()
    expect(decoder.decode(cross(encoder.encode(emptyFrame)))?.overlay).toBeUndefined()
  })

  it('share a number where they have the same overlay and nothing else', () => {
    const encoder = new FrameEncoder()
    const decoder = new FrameDecoder()
    const overlay = entryId('app:proxy')
    for (const choice of [overlay, null, undefined]) {
      const first = encoder.encode(fork(emptyFrame, { overlay: choice }))
      expect(decoder.decode(cross(first))).toEqual(fork(emptyFrame, { overlay: choice }))
      expect(encoder.encode(fork(emptyFrame, { overlay: choice }))).toBe(
        typeof first === 'object' ? first.number : first,
      )
    }
    const others = [
      { deadline: 5 },
      { values: { tenant: 'a' } },
      { scope: [] },
      { actor: { id: 'ann', meta: {} } },
      { trace: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01` },
    ]
    for (const other of others) {
      const frame = fork(emptyFrame, { overlay, ...other })
      expect(decoder.decode(cross(encoder.encode(frame)))).toEqual(frame)
    }
  })

  it('share a number again after the frame that stood for them was replaced', () => {
    const encoder = new FrameEncoder()
    const decoder = new FrameDecoder()
    const cleared = () => encoder.encode(fork(emptyFrame, { overlay: null }))
    decoder.decode(cross(cleared()))
    for (let i = 0; i < frameTableSize; i += 1) decoder.decode(encoder.encode(fork(emptyFrame, { values: { i } })))
    expect(decoder.decode(cross(cleared()))?.overlay).toBeNull()
    expect(decoder.decode(cleared())?.overlay).toBeNull()
    expect(cleared()).toBeTypeOf('number')
  })

  it('reject a number that was never introduced', () => {
    const decoder = new FrameDecoder()
    for (const number of [0, 7, -1, 1.5]) expect(decoder.decode(number)).toBeUndefined()
  })

  it('replace the frame introduced longest ago when the table is full', () => {
    const encoder = new FrameEncoder()
    const frames = Array.from({ length: frameTableSize + 1 }, (_, i) => fork(emptyFrame, { values: { i } }))
    for (const frame of frames) encoder.encode(frame)
    const [oldest, second] = frames
    if (oldest === undefined || second === undefined) throw new Error('no frames')
    expect(encoder.encode(frames.at(-1) ?? emptyFrame)).toBe(0)
    expect(encoder.encode(oldest)).toEqual({ number: 1, frame: oldest })
    expect(encoder.encode(second)).toEqual({ number: 2, frame: second })
  })

  it('arrive as sent, in any order and beyond the size of the table', () => {
    const frames = Array.from({ length: frameTableSize + 300 }, (_, i) => fork(emptyFrame, { values: { i } }))
    const index = fc.nat({ max: frames.length - 1 })
    fc.assert(
      fc.property(fc.array(index, { maxLength: 200 }), fc.nat({ max: frames.length }), (later, filled) => {
        const encoder = new FrameEncoder()
        const decoder = new FrameDecoder()
        const order = [...frames.keys()].slice(0, filled).concat(later)
        const arrived = order.map((i) => decoder.decode(encoder.encode(frames[i] ?? emptyFrame))?.values['i'])
        expect(arrived).toEqual(order)
      }),
      { numRuns: 30 },
    )
  })
})
