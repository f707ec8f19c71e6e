/**
 * What another node publishes: invented bytes are a batch or are rejected, a body is a list of items or is rejected,
 * and the session works again afterwards.
 */
import fc from 'fast-check'
import { z } from 'zod'
import { SimulatedNodes } from '../../packages/cluster/src/testing/simulated-nodes.ts'
import { decodeBatch, encodeBatch } from '../../packages/cluster/src/transport/batch.ts'
import { decodeItems } from '../../packages/cluster/src/transport/items.ts'
import { jsonTarget } from './lib/inputs.ts'

const schema = z.array(z.object({ cut: z.int().min(0).max(40), bytes: z.array(z.int().min(0).max(255)) }))
const byte = fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 2, 3, 4, 8, 13, 15, 0x41, 0x5c, 0x6f, 0xff))

const target = jsonTarget({
  input: fc.array(fc.record({ cut: fc.nat(40), bytes: fc.array(byte, { maxLength: 60 }) }), { maxLength: 12 }),
  read: (saved) => schema.parse(saved),
  check: (pieces) => {
    const nodes = new SimulatedNodes()
    for (const { cut, bytes } of pieces) {
      const given = Uint8Array.from(bytes)
      decodeItems(given)
      const batch = decodeBatch(given)
      if (typeof batch !== 'string' && Buffer.compare(encodeBatch(batch), given) !== 0)
        throw new Error('a batch was read that is encoded in another way')
      nodes.put(0, 20)
      nodes.garble(1, cut, given)
    }
    nodes.settle()
    const before = nodes.end(1).taken.length
    nodes.put(0, 40)
    nodes.settle()
    if (nodes.end(1).taken.length !== before + 1) throw new Error('the session does not work any more')
  },
})

export default target.fuzz
export const { replay } = target
