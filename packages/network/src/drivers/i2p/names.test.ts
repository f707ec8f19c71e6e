import { describe, expect, it } from 'vitest'
import { resolve } from '../../dial/dial.ts'
import { a, inNetwork } from '../../guard/testing/lab.ts'
import { addressName } from './destination.ts'
import { FakeRouter } from './testing/fake-router.ts'
import { destination, failure, peer, route } from './testing/sample.ts'
import { answering, greeting, ScriptedBridge } from './testing/scripted-bridge.ts'

const found = (answer: string) => answering({ NAMING: answer })

describe('a name', () => {
  it('is looked up by the router, with no other request', async () => {
    await using router = await FakeRouter.start({ names: { 'site.i2p': destination('site') } })
    const address = await addressName(destination('site'))
    expect(await inNetwork(a, async () => resolve(route(router), 'SITE.i2p'))).toEqual([{ address, family: 0 }])
    expect(router.bridge.lines).toEqual(['HELLO VERSION MIN=3.0 MAX=3.1', 'NAMING LOOKUP NAME=site.i2p'])
    await router.bridge.deserted()
  })

  it('that is an address, or a whole destination, is not looked up', async () => {
    await using bridge = await ScriptedBridge.start(() => undefined)
    expect(await resolve(route(bridge), peer.host)).toEqual([{ address: peer.host, family: 0 }])
    expect(await resolve(route(bridge), destination('x'))).toEqual([
      { address: await addressName(destination('x')), family: 0 },
    ])
    expect(bridge.sockets.size).toBe(0)
  })

  it('has no IP address, and an I2P address', async () => {
    await using bridge = await ScriptedBridge.start(() => undefined)
    for (const family of [4, 6] as const)
      expect(await failure(resolve(route(bridge), 'site.i2p', { family }))).toMatchObject({ kind: 'Unavailable' })
    expect(await failure(resolve(route(bridge), 'example.org'))).toMatchObject({ kind: 'Invalid' })
  })

  it('is returned with its padding, which the library loses', async () => {
    await using bridge = await ScriptedBridge.start(
      found(`NAMING REPLY RESULT=OK NAME=site.i2p VALUE=${destination('site')}\n`),
    )
    expect(await resolve(route(bridge), 'site.i2p')).toEqual([
      { address: await addressName(destination('site')), family: 0 },
    ])
  })

  it.each(['INVALID_KEY', 'KEY_NOT_FOUND'])('may be unknown: %s', async (result) => {
    await using bridge = await ScriptedBridge.start(found(`NAMING REPLY RESULT=${result} NAME=site.i2p\n`))
    expect(await failure(resolve(route(bridge), 'site.i2p'))).toMatchObject({
      kind: 'Unavailable',
      details: { replyCode: result },
    })
    await bridge.deserted()
  })

  it('never resolves to an incomplete destination', async () => {
    const answer = `NAMING REPLY RESULT=OK NAME=site.i2p VALUE=${destination('site')}\n`
    await using bridge = await ScriptedBridge.start((line, say) => {
      say(line.startsWith('HELLO') ? greeting : answer.slice(0, 300))
    })
    expect(await failure(resolve(route(bridge), 'site.i2p'))).toMatchObject({ kind: 'Unavailable' })
  })

  it('is waited for until the timeout, and not on a closed bridge', async () => {
    await using silent = await ScriptedBridge.start(answering({}))
    expect(await failure(resolve(route(silent), 'site.i2p', { timeout: 50 }))).toMatchObject({ kind: 'Timeout' })
    expect(await failure(resolve(route(silent, { dial: 50 }), 'site.i2p'))).toMatchObject({
      kind: 'Timeout',
      details: { limit: 'dial_timeout' },
    })
    const abort = new AbortController()
    const looked = failure(resolve(route(silent), 'site.i2p', { signal: abort.signal }))
    setTimeout(() => abort.abort(), 20)
    expect(await looked).toMatchObject({ kind: 'Canceled' })
    expect(await failure(resolve(route(silent), 'site.i2p', { signal: AbortSignal.abort() }))).toMatchObject({
      kind: 'Canceled',
    })
    await silent.deserted()
    await using closing = await ScriptedBridge.start((_line, _say, socket) => void socket.destroy())
    expect(await failure(resolve(route(closing), 'site.i2p'))).toMatchObject({ kind: 'Unavailable' })
    const { port } = closing
    await closing[Symbol.asyncDispose]()
    expect(await failure(resolve(route({ port }), 'site.i2p'))).toMatchObject({
      kind: 'Unavailable',
      details: { code: 'ECONNREFUSED' },
    })
  })

  it('is looked up with the login of the entry', async () => {
    await using router = await FakeRouter.start({ names: { 'site.i2p': destination('site') } })
    const bridge = { host: '127.0.0.1', port: router.port, login: { username: 'carol', password: 'hunter2' } }
    await resolve(route(router, {}, { bridge }), 'site.i2p')
    expect(router.bridge.lines[0]).toBe('HELLO VERSION MIN=3.0 MAX=3.2 USER="carol" PASSWORD="hunter2"')
  })
})
