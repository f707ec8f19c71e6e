import { emptyFrame, entryId } from '@troupe/core'
import { processes } from '@troupe/process'
import { describe, expect, it } from 'vitest'
import { funcs } from './funcs.ts'
import { functionEntry, host, processEntry, testApp, type TestApp } from './testing/app.ts'

const entries = [
  functionEntry('level', { max: 1 }),
  functionEntry('otherLevel', { max: 1 }),
  functionEntry('inlineLevel', 'inline'),
  functionEntry('enlarging', { max: 1 }),
  functionEntry('frame', { max: 1 }),
  processEntry('levelsOfProcess'),
]

/** The view that one level of a chain has of itself. */
interface Seen {
  readonly thread: number
  readonly deadline: number | undefined
}

function seenBy(chain: unknown): readonly Seen[] {
  if (!Array.isArray(chain)) throw new Error(`no chain: ${JSON.stringify(chain)}`)
  return chain.map(([thread, deadline]: [number, number | undefined]) => ({ thread, deadline }))
}

const level = entryId('app:level')
const soon = 60_000
const late = 600_000

/** Calls a function in a frame with that deadline. */
async function within(app: TestApp, deadline: number, ...args: readonly unknown[]): Promise<unknown> {
  return app.functions.call({ entry: level, args, frame: { ...emptyFrame, deadline } })
}

describe('the deadline of a call', () => {
  it('is passed on through calls in other threads and in the same thread', async () => {
    await using app = await testApp({ entries })
    const deadline = Date.now() + soon
    const chain = ['app:otherLevel', 'app:inlineLevel', 'app:otherLevel', 'app:level'].map((id) => [id])
    const seen = seenBy(await within(app, deadline, chain))
    expect(seen.map((each) => each.deadline)).toEqual([deadline, deadline, deadline, deadline, deadline])
    expect(new Set(seen.map(({ thread }) => thread)).size).toBe(2)
  })

  it('can be shortened by a timeout for all nested calls, and never extended', async () => {
    await using app = await testApp({ entries })
    const deadline = Date.now() + late
    const chain = [
      ['app:otherLevel', 10 * late],
      ['app:level', soon],
      ['app:inlineLevel', late],
      ['app:otherLevel', soon / 2],
      ['app:inlineLevel'],
    ]
    const seen = seenBy(await within(app, deadline, chain)).map((each) => each.deadline ?? Number.NaN)
    const [first, second, third = 0, fourth, fifth = 0, sixth] = seen
    expect([first, second]).toEqual([deadline, deadline])
    expect(third).toBeLessThan(deadline)
    expect(fourth).toBe(third)
    expect(fifth).toBeLessThan(third)
    expect(sixth).toBe(fifth)
  })

  it('is that of the nearest timeout above, when a process calls', async () => {
    await using app = await testApp({ entries })
    const before = Date.now()
    const chain = [['app:level', soon], ['app:otherLevel', late], ['app:inlineLevel']]
    const seen = seenBy(await app.run(async () => processes.exec('app:levelsOfProcess', host, chain))).map(
      (each) => each.deadline,
    )
    const [nearest = 0] = seen
    expect(nearest - before).toBeGreaterThanOrEqual(soon)
    expect(nearest - Date.now()).toBeLessThanOrEqual(soon)
    expect(seen).toEqual([nearest, nearest, nearest])
  })

  it.each([
    ['later', 5e12],
    ['none', undefined],
  ])('is that of the caller, whatever its thread claims: %s', async (_, claimed) => {
    await using app = await testApp({ entries })
    const deadline = Date.now() + soon
    const frame = { ...emptyFrame, deadline }
    expect(await app.functions.call({ entry: entryId('app:enlarging'), args: ['app:frame', claimed], frame })).toEqual({
      value: frame,
    })
  })

  it('ends calls in other threads too', async () => {
    await using app = await testApp({
      entries: [...entries, functionEntry('act', { max: 1 }), functionEntry('nest', { max: 1 })],
    })
    await app.run(async () =>
      Promise.all([funcs.call('app:nest', 'app:frame'), funcs.call('app:act', 'where', new SharedArrayBuffer(8))]),
    )
    // Long enough for the inner call to begin, also on a busy machine.
    const patient = funcs.withOptions({ timeout: 3000 })
    const memory = new SharedArrayBuffer(8)
    await expect(
      app.run(async () => patient.call('app:nest', 'app:act', 'untilAborted', memory)),
    ).rejects.toMatchObject({
      kind: 'Timeout',
    })
    await expect.poll(() => Atomics.load(new Int32Array(memory), 1)).toBe(2)
  })
})
