import { expect, it } from 'vitest'
import { closeRouteEpoch, openRouteEpoch, routesChanged } from './route-epoch.ts'

const read = (word: SharedArrayBuffer) => Atomics.load(new Int32Array(word), 0)

it('each thread has its own word, which no other can reset', () => {
  const [one, other] = [openRouteEpoch(), openRouteEpoch()]
  routesChanged()
  Atomics.store(new Int32Array(one), 0, 0)
  expect([read(one), read(other)]).toEqual([0, 1])
  closeRouteEpoch(one)
  routesChanged()
  expect([read(one), read(other)]).toEqual([0, 2])
  closeRouteEpoch(other)
})
