/** What `fetch` says in an overlay that answers late or not: the overlay's own limits hold, and its own words are the cause. */
import { entryId } from '@troupe/core'
import { expect, it } from 'vitest'
import { provideNetworkAccess } from '../access.ts'
import { ScriptedBridge } from '../drivers/i2p/scripted-bridge.ts'
import { route as i2pRoute } from '../drivers/i2p/sample.ts'
import { installGuard } from './install.ts'
import { inNetwork } from './lab.ts'

const overlay = entryId('app:eep')

async function causeOf(promise: Promise<unknown>): Promise<unknown> {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  return error instanceof Error ? error.cause : undefined
}

it('is not cut short by undici, and names the overlay', async () => {
  await using gone = await ScriptedBridge.start(() => undefined)
  const { port } = gone
  await gone[Symbol.asyncDispose]()
  const route = { ...i2pRoute({ port }, { wait: 12_000 }), overlay }
  provideNetworkAccess({ select: async () => {}, route: async () => Promise.resolve(route) })
  installGuard()
  const cause = await inNetwork(overlay, async () => causeOf(fetch(`http://${'a'.repeat(52)}.b32.i2p/`)))
  expect(cause).toMatchObject({ kind: 'Unavailable', retryable: true, code: 'ECONNREFUSED', details: { overlay } })
}, 30_000)
