/**
 * Fifty networks call one function: its threads stay few, no caller starves, and nothing is left of networks that no
 * longer exist.
 */
import { createServer } from 'node:http'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { funcs, registry } from 'troupe'
import { startApp, type TestApp } from 'troupe/test'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startProxy } from './proxy.ts'
import { listen } from './servers/listen.ts'

const many = 50
const max = 4
/** Calls of each network. */
const each = 3
const exits = Array.from({ length: many }, (_, at) => `127.0.1.${at + 1}`)
const stack = new AsyncDisposableStack()
let app: TestApp
let url = ''

beforeAll(async () => {
  const server = createServer((request, response) => response.end(request.socket.remoteAddress))
  url = `http://127.0.0.1:${await listen(server, stack)}/`
  const proxies = await Promise.all(exits.map(async (exit) => startProxy(exit, stack)))
  app = stack.use(
    await startApp({
      root: join(import.meta.dirname, 'programs'),
      set: ['network_service.drain_timeout=100ms'],
      entries: [
        ...proxies.map(({ port }, at) => ({ id: `app:net${at}`, kind: 'network.socks5', host: '127.0.0.1', port })),
        { id: 'app:visit', kind: 'function.ts', source: 'file://storm.ts', method: 'visit', pool: { max } },
      ],
    }),
  )
})
afterAll(async () => stack.disposeAsync())

/** The maximum number of threads while `work` ran, checked at each turn of the loop. */
async function mostThreads(work: Promise<unknown>): Promise<number> {
  const { threads } = app.app.kernel
  const running = new AbortController()
  const over = work.finally(() => running.abort())
  let most = threads.size
  while (!running.signal.aborted) {
    await turn()
    most = Math.max(most, threads.size)
  }
  await over
  return most
}

it('a pool serves many networks with few threads, one network each, and none of deleted networks', async () => {
  const before = app.app.kernel.threads.size
  const seen: string[] = []
  const calls = exits.flatMap((exit, at) => Array.from({ length: each }, () => [exit, `app:net${at}`] as const))
  const storm = Promise.all(
    calls.map(async ([exit, network]) => {
      const answer = await app.app.run(async () => funcs.withOptions({ network }).call('app:visit', url))
      if (answer !== exit) seen.push(`${network} was seen at ${String(answer)}`)
    }),
  )
  expect(await mostThreads(storm)).toBeLessThanOrEqual(before + max)
  expect(seen).toEqual([])
  // A late caller finds room as well.
  expect(await app.app.run(async () => funcs.withOptions({ network: null }).call('app:visit', url))).toBe('127.0.0.1')
  await app.app.run(async () =>
    registry.apply(exits.map((_, at) => ({ op: 'delete' as const, entry: { id: `app:net${at}` } }))),
  )
  await expect.poll(() => app.app.kernel.threads.size).toBeLessThanOrEqual(before + 1)
}, 600_000)
