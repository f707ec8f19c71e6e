import { entryId } from '@troupe/core'
import { processes } from '@troupe/process'
import { describe, expect, it } from 'vitest'
import { bound, host, noChoice, testApp } from './testing/app.ts'
import type { InlineTest } from './testing/inline-programs.ts'

const proxy = entryId('app:proxy')
const source = `file://${import.meta.dirname}/testing/inline-programs.ts`
const functions = ['overlay', 'values', 'forever', 'stray', 'fail', 'countdown', 'nested', 'id']
const entries = [
  ...noChoice,
  { id: proxy, kind: 'network.socks5', fields: { host: '127.0.0.1', port: 9 } },
  { id: entryId('app:run'), kind: 'process.ts', fields: { source, method: 'run' } },
  ...functions.map((method) => ({
    id: entryId(`inline:${method}`),
    kind: 'function.ts',
    fields: { source, method, pool: 'inline' },
  })),
]

/** Runs a test of `inline-programs.ts` in a process. */
async function inProcess(
  test: InlineTest,
  depth = 0,
  spawner: Pick<typeof processes, 'exec'> = processes,
): Promise<unknown> {
  await using app = await testApp({ entries })
  return await app.run(async () => spawner.exec('app:run', host, test, depth))
}

describe('an inline call without a request to the kernel', () => {
  it('has the overlay of its caller, or the chosen one', async () => {
    expect(await inProcess('overlays')).toEqual([undefined, proxy, proxy, proxy, null, undefined, undefined])
  })

  it('needs the permission to choose an overlay, and an existing overlay', async () => {
    const scoped = processes.withActor(bound.actor).withScope(bound.scope)
    await expect(inProcess('chosen', 0, scoped)).rejects.toMatchObject({
      kind: 'PermissionDenied',
      details: { resource: proxy },
    })
    await expect(inProcess('unknownOverlay')).rejects.toMatchObject({ kind: 'NotFound' })
  })

  it('shares only the frame with its caller', async () => {
    expect(await inProcess('values')).toEqual({
      argument: { tenant: 1 },
      seen: [{ tenant: 0 }, { a: 1, b: 2 }],
      after: [undefined, {}],
    })
  })

  it('rejects at once when it is cancelled or late', async () => {
    await expect(inProcess('cancel')).rejects.toMatchObject({ kind: 'Canceled', cause: { message: 'enough' } })
    await expect(inProcess('timeout')).rejects.toMatchObject({ kind: 'Timeout' })
  })

  it('rejects with what it throws, and with uncaught errors', async () => {
    await expect(inProcess('fail')).rejects.toMatchObject({
      name: 'RangeError',
      kind: 'Unknown',
      details: { limit: 7 },
    })
    expect(await inProcess('stray')).toEqual(['RangeError', 'from a timer', 'and the process continues'])
  })

  it('may be nested deeply, up to a limit', async () => {
    expect(await inProcess('countdown', 500)).toBe(500)
    await expect(inProcess('countdown', Infinity)).rejects.toMatchObject({ kind: 'Invalid', details: { depth: 1000 } })
  })

  it('acts under the id of its caller, unless it has an actor of its own', async () => {
    expect(await inProcess('ids')).toEqual([true, false])
  })
})
