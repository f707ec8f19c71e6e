import { expect, it } from 'vitest'
import { decodeRecord, encodeRecord, livingIncarnation, type NodeRecord } from './record.ts'

const record: NodeRecord = { v: 1, state: 'alive', boot: 'x', beat: 3, lease: 2_000 }

it('reads what it writes', () => {
  expect(decodeRecord(encodeRecord(record))).toEqual(record)
})

it.each([
  '',
  '{',
  'null',
  '[]',
  '{"v":2}',
  JSON.stringify({ ...record, more: 1 }),
  JSON.stringify({ ...record, lease: 0 }),
])('takes %j for no record', (text) => {
  expect(decodeRecord(new TextEncoder().encode(text))).toBeUndefined()
})

it('returns the incarnation of a living node: the revision of its first record', () => {
  expect(livingIncarnation(record, 7)).toBe(7)
  expect(livingIncarnation({ ...record, incarnation: 5 }, 7)).toBe(5)
  expect(livingIncarnation({ ...record, incarnation: 5, state: 'dead' }, 7)).toBeUndefined()
  expect(livingIncarnation(undefined, 7)).toBeUndefined()
})
