import fc from 'fast-check'
import { expect, it } from 'vitest'
import { funcs } from '../funcs.ts'
import { functionEntry, testApp } from '../testing/app.ts'
import { newLock } from '../testing/lock.ts'

/** The action of each call and its outcome, which no action of a sibling may change. */
const fates = {
  where: [() => funcs, 'number'],
  exit: [() => funcs, 'Unknown'],
  untilAborted: [() => funcs.withOptions({ timeout: 5 }), 'Timeout'],
  loop: [() => funcs.withOptions({ timeout: 5 }), 'Timeout'],
} as const

type Operation = keyof typeof fates

const operation = fc.oneof(
  { weight: 60, arbitrary: fc.constant<Operation>('where') },
  { weight: 1, arbitrary: fc.constantFrom<Operation[]>('exit', 'untilAborted', 'loop') },
)

it('no call suffers from what others do to the threads that it waits for', async () => {
  await using app = await testApp({ entries: [functionEntry('act', { max: 2, idle_timeout: '5ms' })], grace: 20 })
  const fateOf = async (name: Operation) => {
    const [caller] = fates[name]
    return caller()
      .call('app:act', name, newLock())
      .then(
        (value: unknown) => typeof value,
        (error: unknown) => (typeof error === 'object' && error !== null && 'kind' in error ? error.kind : error),
      )
  }
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(operation, { minLength: 20, maxLength: 20 }), { minLength: 12, maxLength: 12 }),
      async (lanes) => {
        const seen = await app.run(async () =>
          Promise.all(
            lanes.map(async (lane) => {
              const own: unknown[] = []
              for (const each of lane) own.push(await fateOf(each))
              return own
            }),
          ),
        )
        expect(seen).toEqual(lanes.map((lane) => lane.map((each) => fates[each][1])))
        await expect.poll(() => app.functions.pools()).toMatchObject([{ running: 0, waiting: 0 }])
      },
    ),
    { numRuns: 3, endOnFailure: true },
  )
})
