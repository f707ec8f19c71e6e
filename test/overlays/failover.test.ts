/** Two proxies of one entry, one of which dies during requests. */
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { entryId } from '@troupe/core'
import { overlayHealth, provideNetworkAccess } from '@troupe/network'
import { rebindThreadNetwork } from '@troupe/network/kernel'
import { expect, it } from 'vitest'
import { http } from 'troupe'
import { address as addressOf } from '../peers/loopback.ts'
import { startMicrosocks } from '../peers/microsocks.ts'
import { socks5Route } from './socks5-fixture.ts'

const requests = 10_000
const atOnce = 64

it('fails only the requests on a proxy that dies, all as retryable', { timeout: 120_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'troupe-failover-'))
  await using stack = new AsyncDisposableStack()
  stack.defer(async () => rm(folder, { recursive: true }))
  const [dying, staying] = await Promise.all(
    [20, 21].map(async (host) => startMicrosocks(await mkdtemp(join(folder, 'proxy-')), addressOf(host))),
  )
  if (!dying || !staying) throw new Error('two proxies were started')
  stack.use(staying.daemon)
  const proxies = [dying, staying].map(({ peer: { host, port } }) => ({ host, port }))
  const route = await socks5Route('failover', { proxies, policy: 'round_robin' })
  provideNetworkAccess({ select: async () => {}, route: async () => route })

  // While the proxy dies, responses are held back, so that requests are lost with it.
  const held: (() => void)[] = []
  let holding = false
  const server = createServer((_request, response) => {
    if (holding) held.push(() => response.end('answered'))
    else response.end('answered')
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  stack.defer(() => {
    server.close()
    server.closeAllConnections()
  })
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0

  const failures: unknown[] = []
  let [begun, succeeded] = [0, 0]
  const work = async () => {
    while (begun < requests) {
      begun += 1
      if (begun === requests / 2) {
        holding = true
        await expect.poll(() => held.length).toBe(atOnce - 1)
        await dying.daemon[Symbol.asyncDispose]()
        holding = false
        for (const answer of held) answer()
      }
      try {
        // A GET would be sent again, on another connection.
        const response = await http.post(`http://127.0.0.1:${port}/${begun}`)
        await response.text()
        succeeded += 1
      } catch (error) {
        failures.push(error)
      }
    }
  }
  rebindThreadNetwork({ overlay: entryId('app:failover') })
  await Promise.all(Array.from({ length: atOnce }, work))

  expect(succeeded + failures.length).toBe(requests)
  // Those on the remaining proxy continued: connections alternate, so half of them are its own.
  expect(failures.length).toBeGreaterThan(0)
  expect(failures.length).toBeLessThan(atOnce - 1)
  expect(
    failures.every((error) => typeof error === 'object' && error !== null && 'retryable' in error && error.retryable),
  ).toBe(true)
  const [health] = overlayHealth()
  expect(health).toMatchObject({ state: 'degraded', entrances: [{ state: 'down' }, { state: 'up' }] })
  console.log(`${failures.length} of ${requests} requests failed`)
})
