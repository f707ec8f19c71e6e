import { expect, it } from 'vitest'
import { requestRules } from './request-rules.ts'
import { startKernel } from '../testing/start-kernel.ts'

it('a handler of which no rule says who may ask, and how, is refused', async () => {
  await using fixture = await startKernel({ programs: [] })
  const { kernel } = fixture
  const add: unknown = Reflect.get(kernel, 'handle')
  if (typeof add !== 'function') expect.unreachable()
  expect(() => {
    Reflect.apply(add, kernel, ['everything', () => undefined])
  }).toThrow('has no rule')
})

it('each rule names who may ask', () => {
  for (const [name, { by }] of Object.entries(requestRules)) expect([name, by.length > 0]).toEqual([name, true])
})
