import { TroupeError } from '@troupe/core'
import { expect, it } from 'vitest'
import { inFrame } from '../fixtures/application.ts'
import { startOrigin } from '../fixtures/servers.ts'
import { inTheClear } from './connector.ts'
import { Exchange } from './exchange.ts'
import { Pool } from './pool.ts'
import { Watch } from './watch.ts'

it('a pool that is closed still sends what was given a lane before, and ends then', async () => {
  await using server = await startOrigin()
  const origin = `http://127.0.0.1:${server.port}`
  const pool = new Pool({ overlay: null, generation: 0, open: inTheClear, tls: undefined })
  const watch = new Watch({ timeout: 10_000, deadline: undefined, signal: undefined })
  const rider = { watch, permit: () => undefined }
  const lane = await pool.board(origin, rider)
  let ended = false
  const closed = pool.close().then(() => (ended = true))
  const exchange = new Exchange({
    watch,
    method: 'GET',
    timeout: 10_000,
    maxResponseBody: 100,
    onDownload: undefined,
    failure: () => new TroupeError('Unknown', 'the body broke off'),
    onFinished: () => pool.leave(origin, lane, rider),
  })
  await Promise.resolve()
  expect(ended).toBe(false)
  inFrame({ overlay: null }, () => lane.dispatch({ path: '/', method: 'GET', headers: [], body: null }, exchange))
  await exchange.head
  expect(exchange.status).toBe(200)
  await closed
  watch[Symbol.dispose]()
  await expect.poll(() => server.connections.size).toBe(0)
})
