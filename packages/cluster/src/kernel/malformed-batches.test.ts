import { expect, it } from 'vitest'
import { isLogged } from './malformed-batches.ts'

it('the first batches that cannot be read are logged one by one, and all others in few lines', () => {
  const logged = Array.from({ length: 65_535 }, (_, index) => index + 1).filter(isLogged)
  expect(logged.slice(0, 6)).toEqual([1, 2, 3, 4, 8, 16])
  expect(logged).toHaveLength(17)
})
