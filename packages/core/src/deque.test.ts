import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Deque } from './deque.ts'

type Step = { readonly do: 'push' | 'shift' | 'drain' } | { readonly do: 'take'; readonly rest: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.constant<Step>({ do: 'push' }) },
  { weight: 4, arbitrary: fc.constant<Step>({ do: 'shift' }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('take' as const), rest: fc.nat({ max: 6 }) }) },
  { weight: 1, arbitrary: fc.constant<Step>({ do: 'drain' }) },
)

it('behaves as an array', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const deque = new Deque<{ readonly n: number }>()
      const model: { readonly n: number }[] = []
      for (const [n, step] of steps.entries()) {
        switch (step.do) {
          case 'push':
            deque.push({ n })
            model.push({ n })
            break
          case 'shift':
            expect(deque.shift()).toEqual(model.shift())
            break
          case 'take': {
            const wanted = (item: { readonly n: number }) => item.n % 7 === step.rest
            const at = model.findIndex(wanted)
            expect(deque.take(wanted)).toEqual(at === -1 ? undefined : model.splice(at, 1)[0])
            break
          }
          case 'drain':
            expect(deque.drain()).toEqual(model.splice(0))
            break
          default:
        }
        expect(deque.size).toBe(model.length)
      }
      expect(deque.drain()).toEqual(model)
    }),
  )
})

it('works after it was large and empty again', () => {
  const deque = new Deque<{ readonly n: number }>()
  for (const round of [1, 2]) {
    for (let n = 0; n < 5000; n += 1) deque.push({ n: n * round })
    for (let n = 0; n < 5000; n += 1) expect(deque.shift()?.n).toBe(n * round)
  }
  expect(deque.shift()).toBeUndefined()
})
