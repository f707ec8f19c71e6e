import { errorFromWire, errorToWire } from '@troupe/core'
import { transferableAbortController } from 'node:util'
import { expect, it } from 'vitest'
import { checkCrossing } from './network-crossing.ts'

const memory = () => new SharedArrayBuffer(8)

it.each([
  ['a field', { deep: { memory: memory() } }, 'value.deep.memory'],
  ['an item', [1, [memory()]], 'value[1][0]'],
  ['a field beside the items of an array', Object.assign([1], { memory: memory() }), 'value[memory]'],
  ['a key of a map', new Map([[{ memory: memory() }, 1]]), 'value.keys[0].memory'],
  ['a value of a map', new Map([[1, memory()]]), 'value.values[0]'],
  ['an item of a set', new Set([[memory()]]), 'value.values[0][0]'],
  ['a view', new Uint8Array(memory()), 'value'],
  ['a port', { port: new MessageChannel().port1 }, 'value.port'],
  ['a signal, which would tell its reason later', { signal: transferableAbortController().signal }, 'value.signal'],
])('does not let %s cross, and names its place', (_what, value, path) => {
  expect(() => {
    checkCrossing(value, 'value', true)
  }).toThrow(expect.objectContaining({ kind: 'Invalid', details: { path, code: 'ENETWORK' } }) as Error)
})

it('lets errors cross, which hold no shared memory', () => {
  const deep = { list: Object.assign([1], { memory: memory() }), view: new Uint8Array(memory()) }
  const inner = Object.assign(new TypeError('inner'), deep)
  const thrown = new AggregateError([memory(), inner], 'outer', { cause: { map: new Map([['memory', memory()]]) } })
  const wire = errorToWire(Object.assign(thrown, { details: { memory: memory() } }))
  expect(() => {
    checkCrossing(wire, 'error')
  }).not.toThrow()
  const memoryInWords = expect.stringContaining('SharedArrayBuffer') as unknown
  const { message, details } = errorFromWire(wire)
  const [first, second] = details['errors'] as unknown[]
  expect([message, details['memory'], first]).toEqual(['outer', memoryInWords, memoryInWords])
  expect(second).toMatchObject({ message: 'inner', view: expect.any(String) as unknown })
})
