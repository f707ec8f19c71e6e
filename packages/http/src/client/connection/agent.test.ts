import { TroupeError } from '@troupe/core'
import { expect, it } from 'vitest'
import { inFrame } from '../../testing/application.ts'
import { startOrigin } from '../../testing/servers.ts'
import { inTheClear } from './connector.ts'
import { Exchange } from '../response/exchange.ts'
import { Agent } from './agent.ts'
import { Deadline } from '../deadline.ts'

it('a closed pool sends requests that already have a connection, and ends then', async () => {
  await using server = await startOrigin()
  const origin = `http://127.0.0.1:${server.port}`
  const pool = new Agent({ overlay: null, generation: 0, open: inTheClear, tls: undefined })
  const deadline = new Deadline({ timeout: 10_000, deadline: undefined, signal: undefined })
  const waiter = { deadline, permit: () => undefined }
  const connection = await pool.acquire(origin, waiter)
  let ended = false
  const closed = pool.close().then(() => (ended = true))
  const exchange = new Exchange({
    deadline,
    method: 'GET',
    timeout: 10_000,
    maxResponseBody: 100,
    onDownload: undefined,
    failure: () => new TroupeError('Unknown', 'the body broke off'),
    onFinished: () => pool.leave(origin, connection, waiter),
  })
  await Promise.resolve()
  expect(ended).toBe(false)
  inFrame({ overlay: null }, () => connection.dispatch({ path: '/', method: 'GET', headers: [], body: null }, exchange))
  await exchange.head
  expect(exchange.status).toBe(200)
  await closed
  deadline[Symbol.dispose]()
  await expect.poll(() => server.connections.size).toBe(0)
})
