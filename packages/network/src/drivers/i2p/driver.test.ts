import { mkdtempDisposableSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { entryId } from '@troupe/core'
import { Registry } from '@troupe/registry'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { accept, dial } from '../../dial/dial.ts'
import type { Listener, Overlay } from '../../overlay/overlay.ts'
import { keptAddress, networkKinds } from '../../overlay/overlay-kinds.ts'
import { OverlayTable } from '../../overlay/overlay-table.ts'
import { FakeRouter } from './testing/fake-router.ts'
import { failure } from './testing/sample.ts'
import { answering, ScriptedBridge } from './testing/scripted-bridge.ts'

const id = entryId('app:site')
let stack = new AsyncDisposableStack()
let folder = ''

beforeEach(() => {
  stack = new AsyncDisposableStack()
  folder = stack.use(mkdtempDisposableSync(join(tmpdir(), 'troupe-i2p-'))).path
})
afterEach(async () => stack.disposeAsync())

function application(): { overlays: OverlayTable; registry: Registry; log: string[] } {
  const registry = new Registry({ kinds: networkKinds })
  const log: string[] = []
  const overlays = stack.use(new OverlayTable(registry, { stateDir: folder, log: (line: string) => log.push(line) }))
  return { overlays, registry, log }
}

async function start(router: { readonly port: number }, fields: object = {}) {
  const app = application()
  app.registry.add({
    id,
    kind: 'network.i2p',
    fields: { host: '127.0.0.1', port: router.port, wait_timeout: '1s', ...fields },
  })
  return { ...app, overlay: await app.overlays.add(id) }
}

/** Sends hello to every client, until the listener ends. */
async function welcome(listener: Listener, word: string): Promise<void> {
  for await (const { socket } of listener.connections) socket.on('error', () => undefined).end(word)
}

async function visit({ route }: Overlay, host: string): Promise<string> {
  return text(await dial(route, { host, port: 80 }))
}

const listed = () => readdirSync(join(folder, 'i2p')).filter((name) => !name.includes('.lock'))
const sessionLines = ({ bridge }: FakeRouter) => bridge.lines.filter((line) => line.startsWith('SESSION CREATE'))

describe('an entry of network.i2p', () => {
  it.each([
    ['host', { port: 7656 }],
    ['port', { host: 'h' }],
    ['port', { host: 'h', port: 0 }],
    ['password', { host: 'h', port: 1, username: 'u' }],
    ['password', { host: 'h', port: 1, username: 'u', password: 'a"b"' }],
    ['session_name', { host: 'h', port: 1, session_name: 'a b' }],
    ['session_name', { host: 'h', port: 1, session_name: '' }],
    ['destination', { host: 'h', port: 1, destination: 'mine' }],
    ['options["inbound.length"]', { host: 'h', port: 1, options: { 'inbound.length': 'a b' } }],
    ['options.DESTINATION', { host: 'h', port: 1, options: { DESTINATION: 'x' } }],
    ['signature_type', { host: 'h', port: 1, signature_type: 99 }],
    ['dial_timeout', { host: 'h', port: 1, dial_timeout: 5 }],
    ['auth_key', { host: 'h', port: 1, auth_key: 'x' }],
    ['host', { host: 'http://127.0.0.1', port: 7656 }],
    ['host', { host: '127.0.0.1:7656', port: 7656 }],
    ['host', { host: 'unix:/run/sam', port: 7656 }],
    ['host', { host: 'router.b32.i2p', port: 7656 }],
    ['host', { host: '224.0.0.1', port: 7656 }],
    ['options["inbound.length"]', { host: 'h', port: 1, options: { 'inbound.length': 8 } }],
    ['options["outbound.length"]', { host: 'h', port: 1, options: { 'outbound.length': 'three' } }],
    ['options["inbound.quantity"]', { host: 'h', port: 1, options: { 'inbound.quantity': 0 } }],
    ['options["outbound.lengthVariance"]', { host: 'h', port: 1, options: { 'outbound.lengthVariance': 1.5 } }],
    ['session_timeout', { host: 'h', port: 1, session_timeout: '0s' }],
    ['dial_timeout', { host: 'h', port: 1, dial_timeout: '0s' }],
  ])('is refused for its %s in %j', (path, fields) => {
    const registry = new Registry({ kinds: networkKinds })
    registry.add({ id, kind: 'network.i2p', fields })
    expect(registry.check()).toEqual([expect.objectContaining({ entry: id, path })])
  })

  it('passes its options on unchanged', async () => {
    const router = stack.use(await FakeRouter.start())
    const options = {
      'inbound.length': 0,
      'inbound.allowZeroHop': true,
      'i2cp.leaseSetEncType': '4,0',
      inbound_nickname: 'x',
    }
    await start(router, { options, session_name: 'mine', signature_type: 11 })
    expect(sessionLines(router)).toHaveLength(1)
    const sent = 'inbound.length=0 inbound.allowZeroHop=true i2cp.leaseSetEncType=4,0 inbound_nickname=x'
    expect(sessionLines(router)[0]?.replace(/ ID=mine-[0-9a-f]{32} /, ' ID=mine-… ')).toBe(
      `SESSION CREATE STYLE=STREAM ID=mine-… DESTINATION=TRANSIENT SIGNATURE_TYPE=11 ${sent}`,
    )
  })
})

describe('an overlay of I2P', () => {
  it('dials by one session, listens by another, and reports its address', async () => {
    const router = stack.use(await FakeRouter.start())
    const { overlay, overlays, log } = await start(router)
    const binding = await overlay.bind({ port: 8080 })
    const { host, port } = binding.listenGrant.address
    const served = welcome(await accept(binding.listenGrant), 'welcome')
    expect(await Promise.all(Array.from({ length: 50 }, async () => visit(overlay, host)))).toEqual(
      Array.from({ length: 50 }, () => 'welcome'),
    )
    expect([port, router.sessions.size, listed()]).toEqual([8080, 2, ['site']])
    expect(log).toContain(`overlay app:site is reached at ${host}`)
    expect(await overlays.status(id)).toMatchObject({
      state: 'up',
      name: host,
      addresses: [host, expect.stringMatching(/\.b32\.i2p$/)],
    })
    const ended = failure(served)
    await binding[Symbol.asyncDispose]()
    await overlays[Symbol.asyncDispose]()
    await router.bridge.deserted()
    expect(await ended).toMatchObject({ kind: 'Unavailable' })
  })

  it('keeps its address, and that of its dials if configured', async () => {
    const router = stack.use(await FakeRouter.start())
    const addresses = async () => {
      const { overlay, overlays } = await start(router, { destination: 'persistent' })
      await overlay.bind({ port: 0 })
      const status = await overlays.status(id)
      await overlays[Symbol.asyncDispose]()
      return status?.addresses
    }
    const first = await addresses()
    expect(new Set(first).size).toBe(2)
    expect([await addresses(), listed()]).toEqual([first, ['site', 'site~dial']])
    expect(await keptAddress({ id, kind: 'network.i2p' }, folder)).toBe(first?.[0])
    expect(await keptAddress({ id: entryId('app:other'), kind: 'network.i2p' }, folder)).toBeUndefined()
  })

  it('keeps no key if configured so', async () => {
    const router = stack.use(await FakeRouter.start())
    const { overlay } = await start(router, { destination: 'transient' })
    await overlay.bind({ port: 80 })
    expect(() => listed()).toThrow(/ENOENT/)
    expect(overlay.exclusive).toBeUndefined()
  })

  it('has one address, and no TLS of its own', async () => {
    const router = stack.use(await FakeRouter.start())
    const { overlay } = await start(router)
    expect(await failure(overlay.bind({ port: 443, tls: true }))).toMatchObject({
      kind: 'Invalid',
      message: expect.stringContaining('not supported') as string,
    })
    const binding = await overlay.bind({ port: 80 })
    expect(await failure(overlay.bind({ port: 81 }))).toMatchObject({ kind: 'AlreadyExists' })
    await binding[Symbol.asyncDispose]()
    const again = await overlay.bind({ port: 81 })
    expect([again.listenGrant.address.host, sessionLines(router).length]).toEqual([binding.listenGrant.address.host, 2])
  })

  it('does not start without a bridge, or if the bridge refuses', async () => {
    const gone = await ScriptedBridge.start(() => undefined)
    await gone[Symbol.asyncDispose]()
    const app = application()
    app.registry.add({ id, kind: 'network.i2p', fields: { host: '127.0.0.1', port: gone.port } })
    const error = await failure(app.overlays.add(id))
    expect(error).toMatchObject({ kind: 'Unavailable', details: { overlay: id, code: 'ECONNREFUSED' } })
    expect(error.message).not.toContain(String(gone.port))
    const refusing = stack.use(await ScriptedBridge.start(answering({ SESSION: 'SESSION STATUS RESULT=I2P_ERROR\n' })))
    expect(await failure(start(refusing))).toMatchObject({ kind: 'Unavailable', details: { result: 'I2P_ERROR' } })
    await refusing.deserted()
  })

  it('does not share a key with an overlay of the same name', async () => {
    const router = stack.use(await FakeRouter.start())
    const { overlay, registry, overlays } = await start(router)
    const twin = entryId('other:site')
    registry.add({ id: twin, kind: 'network.i2p', fields: { host: '127.0.0.1', port: router.port } })
    await overlay.bind({ port: 80 })
    const error = await failure((await overlays.add(twin)).bind({ port: 80 }))
    expect(error).toMatchObject({
      kind: 'AlreadyExists',
      retryable: true,
      message: expect.stringContaining('another name') as string,
    })
  })
})

describe('an overlay of I2P that is replaced', () => {
  it('keeps the session that it listens on if its options are unchanged, without a gap', async () => {
    const router = stack.use(await FakeRouter.start())
    const { overlay: former, overlays } = await start(router)
    const { listenGrant, ...first } = await former.bind({ port: 80 })
    const old = await accept(listenGrant)
    const served = welcome(old, 'old')
    expect(await visit(former, listenGrant.address.host)).toBe('old')

    const swap = await overlays.prepare(id)
    await swap.check()
    await swap.commit()
    const now = overlays.get(id)
    const second = await now.bind({ port: 80 })
    const listener = await accept(second.listenGrant)
    const servedNow = welcome(listener, 'new')
    await served
    await old[Symbol.asyncDispose]()
    await first[Symbol.asyncDispose]()
    for (const retired of swap.retired) await retired[Symbol.asyncDispose]()
    expect(second.listenGrant.address).toEqual(listenGrant.address)
    expect(await visit(now, listenGrant.address.host)).toBe('new')
    // And with the key for dialling.
    expect(sessionLines(router)).toHaveLength(2)
    await listener[Symbol.asyncDispose]()
    await servedNow
  })

  it('is closed before a new one with another session starts: the key is never used twice', async () => {
    const router = stack.use(await FakeRouter.start())
    const { overlay: former, overlays, registry } = await start(router)
    const place = await former.bind({ port: 80 })
    const served = failure(welcome(await accept(place.listenGrant), 'old'))
    const other = new Registry({ kinds: networkKinds })
    other.add({ id, kind: 'network.i2p', fields: { ...registry.get(id).fields, options: { 'inbound.length': 1 } } })
    const swap = await overlays.prepare(id, other)
    expect(swap.retired).toEqual([])
    await swap.commit()
    expect(await served).toMatchObject({ kind: 'Unavailable' })
    const again = await overlays.get(id).bind({ port: 80 })
    expect(again.listenGrant.address).toEqual(place.listenGrant.address)
    expect(sessionLines(router).at(-1)).toContain('inbound.length=1')
    await swap.rollback()
    expect((await overlays.get(id).bind({ port: 80 })).listenGrant.address).toEqual(place.listenGrant.address)
  })

  it('runs together with the new one if it does not listen', async () => {
    const router = stack.use(await FakeRouter.start())
    const { overlays, overlay: former, registry } = await start(router)
    const other = new Registry({ kinds: networkKinds })
    other.add({ id, kind: 'network.i2p', fields: { ...registry.get(id).fields, options: { 'inbound.length': 1 } } })
    const swap = await overlays.prepare(id, other)
    await swap.commit()
    expect([swap.retired, router.sessions.size]).toEqual([[former], 2])
  })
})
