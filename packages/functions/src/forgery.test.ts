import { entryId, pid } from '@troupe/core'
import { describe, expect, it } from 'vitest'
import { funcs } from './funcs.ts'
import { functionEntry, testApp, type TestApp } from './testing/app.ts'
import { Lock, newLock } from './testing/lock.ts'

const source = `file://${import.meta.dirname}/testing/forge.ts`
const forging = (method: string) => ({
  id: entryId(`forge:${method}`),
  kind: 'function.ts',
  fields: { source, method, pool: { max: 1 } },
})
const entries = [
  ...['end', 'call', 'misask', 'cutOff'].map(forging),
  ...['act', 'pid', 'frame', 'echo'].map((method) => functionEntry(method, { max: 1 })),
]

/** Starts a call that does not end, and returns it with the id under which the kernel knows it. */
async function held(app: TestApp) {
  const memory = newLock()
  const lock = new Lock(memory)
  const value = app.run(async () => funcs.call('app:act', 'hold', memory))
  await lock.arrivedBy(1)
  const victim = [...app.kernel.processes.all()].find(({ entry }) => entry === 'app:act')?.pid
  return { lock, value, victim: victim ?? 'none' }
}

describe('a function that impersonates another', () => {
  it('ends only calls of its own thread', async () => {
    await using app = await testApp({ entries })
    const { lock, value, victim } = await held(app)
    await app.run(async () => funcs.call('forge:end', victim))
    lock.open()
    expect(await value).toBe('held')
  })

  it('is refused a call of an invalid form, and continues', async () => {
    await using app = await testApp({ entries })
    expect(await app.run(async () => funcs.call('forge:misask'))).toEqual(['Invalid', 'Invalid'])
  })

  it('cannot call as another call, as one that is over, as the program, or as a future one', async () => {
    await using app = await testApp({ entries })
    const { lock, value, victim } = await held(app)
    const over = await app.run(async () => funcs.call('app:pid'))
    for (const by of [victim, over, '<0.0>', pid(1, 2 ** 47), pid(4711, 1)]) {
      await expect(app.run(async () => funcs.call('forge:call', 'app:frame', by))).rejects.toMatchObject({
        kind: 'PermissionDenied',
        details: { pid: by },
      })
    }
    lock.open()
    expect(await value).toBe('held')
  })

  it('stops only itself when it closes the ports of its thread, which is replaced', async () => {
    await using app = await testApp({ entries, grace: 20 })
    const { lock, value } = await held(app)
    for (const _ of [1, 2]) {
      await expect(app.run(async () => funcs.call('forge:cutOff'))).rejects.toMatchObject({
        details: { entry: 'forge:cutOff' },
      })
    }
    lock.open()
    expect(await value).toBe('held')
  })

  it('gains nothing by prototypes in the values that it sends', async () => {
    await using app = await testApp({ entries })
    const values: unknown = JSON.parse('{"__proto__":{"actor":{"id":"root"},"overlay":null}}')
    expect(await app.run(async () => funcs.call('app:echo', values))).toEqual([values])
    const seen = await app.run(async () => funcs.withContext({ given: values }).call('app:frame'))
    expect(seen).toEqual({
      overlay: undefined,
      actor: undefined,
      scope: undefined,
      deadline: undefined,
      trace: undefined,
      values: { given: values },
    })
  })
})
