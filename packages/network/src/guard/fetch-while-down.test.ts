/**
 * The errors of `fetch` in an overlay that replies late or not: the overlay's own limits apply, and its own error is
 * the cause.
 */
import { entryId, TroupeError } from '@troupe/core'
import { once } from 'node:events'
import { get } from 'node:http'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { afterAll, expect, it } from 'vitest'
import { provideNetworkAccess } from '../dial/network-access.ts'
import { ScriptedBridge } from '../drivers/i2p/testing/scripted-bridge.ts'
import { route as i2pRoute } from '../drivers/i2p/testing/sample.ts'
import { answering, ScriptedProxy } from '../drivers/socks5/testing/scripted-proxy.ts'
import { route as socksRoute } from '../drivers/socks5/testing/sample.ts'
import { installGuard } from './install.ts'
import { inNetwork } from './testing/lab.ts'

const overlay = entryId('app:eep')
// Started before there is a guard, because this thread could not listen afterwards.
const proxy = await ScriptedProxy.start(
  answering({ greeting: Buffer.from([5, 0]), reply: Buffer.from([5, 4, 0, 1, 0, 0, 0, 0, 0, 0]) }),
)
afterAll(async () => proxy[Symbol.asyncDispose]())

async function causeOf(promise: Promise<unknown>): Promise<unknown> {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  return error instanceof Error ? error.cause : undefined
}

it('is not ended early by undici, and names the overlay', async () => {
  await using gone = await ScriptedBridge.start(() => undefined)
  const { port } = gone
  await gone[Symbol.asyncDispose]()
  const route = { ...i2pRoute({ port }, { wait: 12_000 }), overlay }
  provideNetworkAccess({ select: async () => {}, route: async () => Promise.resolve(route) })
  installGuard()
  const cause = await inNetwork(overlay, async () => causeOf(fetch(`http://${'a'.repeat(52)}.b32.i2p/`)))
  expect(cause).toMatchObject({ kind: 'Unavailable', retryable: true, code: 'ECONNREFUSED', details: { overlay } })
})

/** The first error of the overlay in a chain of causes. */
function ofOverlay(thrown: unknown): TroupeError | undefined {
  for (let error = thrown; error instanceof Error; error = error.cause) if (error instanceof TroupeError) return error
  return undefined
}

it.each<[string, () => Promise<unknown>]>([
  ['fetch', async () => fetch('http://unknown.test/')],
  ['fetch by TLS', async () => fetch('https://unknown.test/')],
  ['node:http', async () => once(get('http://unknown.test/'), 'response')],
  ['node:net', async () => once(connect(80, 'unknown.test'), 'connect')],
  ['node:tls', async () => once(connectTls(443, 'unknown.test'), 'secureConnect')],
])('%s: the reply of the proxy about the target is in the chain of causes', async (_, attempt) => {
  const route = { ...socksRoute(proxy), overlay }
  provideNetworkAccess({ select: async () => {}, route: async () => Promise.resolve(route) })
  installGuard()
  const thrown: unknown = await inNetwork(overlay, async () => attempt().catch((error: unknown) => error))
  expect(ofOverlay(thrown)).toMatchObject({
    kind: 'Unavailable',
    retryable: true,
    details: { overlay, replyCode: 4, reply: 'host unreachable' },
  })
})
