import { once } from 'node:events'
import net from 'node:net'
import { type EntryId, entryId } from '@troupe/core'
import { installGuard } from '@troupe/network'
import { rebindThreadNetwork } from '@troupe/network/kernel'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { inFrame, startApplication } from './testing/application.ts'
import { certificates, type Origin, type Proxy, startProxy, startSecureOrigin } from './testing/servers.ts'
import { closeHttpPools, http } from './index.ts'

const overlay: EntryId = entryId('app:a')
const tls = { ca: certificates.ca }
let origin: Origin
let proxy: Proxy

beforeAll(async () => {
  origin = await startSecureOrigin()
  proxy = await startProxy('127.0.0.2')
  startApplication({ [overlay]: proxy.port })
  // The servers are no part of the thread's network.
  installGuard()
  rebindThreadNetwork({ overlay })
})
afterAll(async () => {
  await closeHttpPools()
  await origin[Symbol.asyncDispose]()
  await proxy[Symbol.asyncDispose]()
})

it('works in both directions in a thread of an overlay, by its sockets’ one way', async () => {
  const url = `https://localhost:${origin.port}/`
  await inFrame({ overlay }, async () => {
    const socket = net.connect(origin.port, 'localhost')
    await once(socket, 'connect')
    socket.destroy()
    await http.get(url, { tls })
    await http.get(url, { tls, overlayNetwork: null })
    await http.get(url, { tls })
  })
  expect(origin.seen.map(({ peer }) => peer)).toEqual(['127.0.0.2', '127.0.0.1', '127.0.0.2'])
})
