import { TroupeError } from '@troupe/core'
import { expect, it } from 'vitest'
import { inFrame } from '../../testing/application.ts'
import { startOrigin } from '../../testing/servers.ts'
import { inTheClear } from './connector.ts'
import { Exchange } from '../response/exchange.ts'
import { Pool } from './agent.ts'
import { Watch } from '../deadline.ts'

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
