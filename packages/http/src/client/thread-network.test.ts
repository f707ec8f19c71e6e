import { emptyFrame, entryId, type FrameChange, fork, newTrace, runInFrame } from '@troupe/core'
import { rebindThreadNetwork } from '@troupe/network/kernel'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { startApplication } from '../testing/application.ts'
import { type Origin, type Proxy, startOrigin, startProxy } from '../testing/servers.ts'
import { closeHttpPools, http, type RequestOptions } from '../index.ts'

const overlay = entryId('app:a')

let origin: Origin
let proxy: Proxy
const get = async (frame: FrameChange, options?: RequestOptions) =>
  (await runInFrame(fork(emptyFrame, frame), () => http.get(`http://127.0.0.1:${origin.port}/`, options))).text()

beforeAll(async () => {
  origin = await startOrigin()
  proxy = await startProxy('127.0.0.2', () => true)
})
beforeEach(() => {
  const application = startApplication({ [overlay]: proxy.port })
  rebindThreadNetwork({ overlay, isolation: { actor: 'thread' } })
  const isolate = { by: 'actor', form: 'login', seed: 'seed' }
  application.routes.set(overlay, {
    overlay,
    generation: 1,
    driver: 'socks5',
    config: { proxies: [{ host: '127.0.0.1', port: proxy.port }], isolate },
  })
  proxy.asked.length = 0
  origin.seen.length = 0
})
afterEach(async () => closeHttpPools(0))
afterAll(async () => {
  await origin[Symbol.asyncDispose]()
  await proxy[Symbol.asyncDispose]()
})

it('has its isolation key, for every actor; a request may set another', async () => {
  await get({ overlay, actor: { id: 'ann', meta: {} } }, { overlayNetwork: overlay })
  await get({ overlay, actor: { id: 'bob', meta: {} } })
  await get({ overlay }, { isolation: 'x' })
  const names = proxy.asked.map(({ username }) => username)
  expect([names.length, names[0] === names[1], names[0] === names[2]]).toEqual([3, true, false])
})

it('applies to traces, whatever the frame contains', async () => {
  await get({ overlay: null, trace: newTrace() }, { overlayNetwork: null })
  expect(origin.seen[0]?.headers).not.toHaveProperty('traceparent')
})
