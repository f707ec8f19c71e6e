/**
 * A self-hosted tailnet: a real Headscale with a private authority. Tests its own behaviour, and that of an
 * administrator.
 */
import { accept, dial, type Overlay, type Peer } from '@troupe/network'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { Headscale } from '../peers/headscale.ts'
import { echoed } from './echoed.ts'
import { serve, TailnetWorld } from './tailscale-fixture.ts'

let headscale: Headscale

beforeAll(async () => {
  headscale = await Headscale.start()
})

afterAll(async () => headscale[Symbol.asyncDispose]())

/** An application whose nodes trust the authority. */
async function world(): Promise<TailnetWorld<Headscale>> {
  return TailnetWorld.in(headscale, { ca: headscale.ca })
}

async function echo(from: Overlay, host: string, port = 7): Promise<string> {
  const socket = await dial(from.route, { host, port })
  return String(await echoed(socket, Buffer.from('hello')))
}

it.concurrent('has nodes that reach each other, and reports the peer', async () => {
  await using here = await world()
  const [left, right] = await Promise.all([
    here.node('h-left', { auth_key: await headscale.key({ user: 'ann' }) }),
    here.node('h-right', { auth_key: await headscale.key({ tags: ['tag:web'] }) }),
  ])
  const peers: Peer[] = []
  for (const node of [left, right])
    await serve(node, 7, (socket, peer) => {
      peers.push(peer)
      socket.pipe(socket)
    })
  expect(await echo(left, 'h-right')).toBe('hello')
  expect(await echo(right, 'h-left')).toBe('hello')
  expect(peers[0]).toMatchObject({ node: 'h-left', user: 'ann', tags: [] })
  expect(peers[1]).toMatchObject({ node: 'h-right', tags: ['tag:web'] })
  expect(peers[1]).not.toHaveProperty('user')
})

it.concurrent('reports at once problems of the route to the server', async () => {
  await using here = await TailnetWorld.in(headscale)
  await expect(here.node('h-x509')).rejects.toMatchObject({
    kind: 'Unavailable',
    retryable: true,
    message: containing('x509'),
  })
})

it.concurrent.each([
  ['that was mistyped', async () => 'nonsense'],
  ['that has expired', async () => headscale.key({ expired: true })],
  ['of another user', async () => headscale.key({ user: 'eve' })],
])('has a known node start with a key %s, as the same node', async (name, key) => {
  await using here = await world()
  const host = `h-known-${name.replaceAll(' ', '-')}`
  const first = await here.node('first', { hostname: host })
  const before = await here.overlays.status(first.id)
  await here.overlays.remove(first.id)
  const again = await here.node('again', { hostname: host, auth_key: await key() })
  expect(await here.overlays.status(again.id)).toMatchObject({
    state: 'up',
    name: before?.name,
    addresses: before?.addresses,
  })
  expect((await headscale.nodes()).filter((node) => node.name.startsWith(host))).toMatchObject([{ user: 'tester' }])
})

it.concurrent('refuses to become another user', async () => {
  await using here = await world()
  const { id } = await here.node('first', { hostname: 'h-owned' })
  await here.overlays.remove(id)
  await headscale.expire('h-owned')
  await expect(
    here.node('again', { hostname: 'h-owned', auth_key: await headscale.key({ user: 'eve' }) }),
  ).rejects.toMatchObject({
    kind: 'PermissionDenied',
    final: true,
    message: matching(/belongs to .*eve.*tester/),
  })
})

it.concurrent('a node whose key expired returns after the renewal, although its auth key is used up', async () => {
  await using here = await world()
  const node = await here.node('h-expiring', { auth_key: await headscale.key({ reusable: false }) })
  const other = await here.node('h-other')
  await serve(other, 7, (socket) => socket.pipe(socket))
  expect(await echo(node, 'h-other')).toBe('hello')
  await headscale.expire('h-expiring')
  await until(async () =>
    expect(await here.overlays.status(node.id)).toMatchObject({ state: 'down', reason: containing('expired') }),
  )
  await expect(dial(node.route, { host: 'h-other', port: 7 })).rejects.toMatchObject({
    kind: 'Unavailable',
    retryable: true,
    message: containing('expired'),
  })
  await headscale.renew('h-expiring')
  await until(async () => expect(await here.overlays.status(node.id)).toMatchObject({ state: 'up' }))
  expect(await echo(node, 'h-other')).toBe('hello')
})

it.concurrent('reports that a node was deleted', async () => {
  await using here = await world()
  const node = await here.node('h-deleted')
  const listener = await accept((await node.bind({ port: 7 })).listenGrant)
  const lost = Array.fromAsync(listener.connections).catch((error: unknown) => error)
  await headscale.remove('h-deleted')
  await until(async () => {
    // Headscale reports it only in reply to a request. An idle node sends one at its next probe.
    node.doubt?.()
    expect(await here.overlays.status(node.id)).toMatchObject({ state: 'down', reason: containing('deleted') })
  })
  await expect(dial(node.route, { host: 'any', port: 7 })).rejects.toMatchObject({
    kind: 'Unavailable',
    message: containing('deleted'),
  })
  expect(await lost).toMatchObject({ kind: 'Unavailable', message: containing('deleted') })
  // An administrator removed it: it does not come back by itself, although its key would allow it.
  expect((await headscale.nodes()).map(({ name }) => name)).not.toContain('h-deleted')
})

it.concurrent('has a user log in a node without a key, at a reported address', async () => {
  await using here = await world()
  const node = await here.node('h-keyless', { auth_key_env: undefined, auth_key: undefined })
  const { state, loginUrl = '' } = (await here.overlays.status(node.id)) ?? {}
  expect(state).toBe('starting')
  expect(loginUrl).toContain(headscale.url)
  expect(here.log.join('\n')).toContain(loginUrl)
  await expect(dial(node.route, { host: 'any', port: 7 })).rejects.toMatchObject({
    kind: 'Unavailable',
    message: containing(loginUrl),
  })
  await headscale.login(loginUrl)
  await until(async () => expect(await here.overlays.status(node.id)).toMatchObject({ state: 'up' }))
})

it('reports that a peer is offline, or that its port is closed to this node', async () => {
  await using here = await world()
  const [left, right] = await Promise.all([here.node('h-here'), here.node('h-there')])
  await serve(right, 7, (socket) => socket.pipe(socket))
  expect(await echo(left, 'h-there')).toBe('hello')
  await headscale.policy({ acls: [{ action: 'accept', src: ['*'], dst: ['*:80'] }] })
  await until(async () => expect(await refusal(left, 'h-there')).toMatch(/an access rule of the tailnet denies it/))
  await headscale.policy({ acls: [{ action: 'accept', src: ['*'], dst: ['*:*'] }] })
  await here.overlays.remove(right.id)
  await until(async () =>
    expect((await headscale.nodes()).find(({ name }) => name === 'h-there')).toMatchObject({ online: false }),
  )
  await until(async () => expect(await refusal(left, 'h-there')).toMatch(/is offline/))
})

it.concurrent('reports the new name of a renamed node', async () => {
  await using here = await world()
  const node = await here.node('h-old')
  await headscale.rename('h-old', 'h-new')
  await until(async () => expect(await here.overlays.status(node.id)).toMatchObject({ name: 'h-new.head.test' }))
})

it.concurrent('logs nothing when it stops in order', async () => {
  const here = await world()
  await here.node('h-orderly')
  const before = here.log.length
  await here[Symbol.asyncDispose]()
  expect(here.log.slice(before)).toEqual([])
})

/** The error of a dial; `undefined` when it succeeds. */
async function refusal(from: Overlay, host: string): Promise<string> {
  try {
    const socket = await dial(from.route, { host, port: 7 }, { timeout: 20_000 })
    socket.on('error', () => undefined).destroy()
    return ''
  } catch (error) {
    return String(error)
  }
}

it('is trusted by the variable of Node too', async () => {
  process.env['NODE_EXTRA_CA_CERTS'] = headscale.caFile
  try {
    await using here = await TailnetWorld.in(headscale)
    const node = await here.node('h-extra')
    expect(await here.overlays.status(node.id)).toMatchObject({ state: 'up' })
  } finally {
    Reflect.deleteProperty(process.env, 'NODE_EXTRA_CA_CERTS')
  }
})

/** Changes on a server take a moment to reach its nodes. */
async function until(check: () => Promise<void>): Promise<void> {
  await vi.waitFor(check, { timeout: 150_000, interval: 200 })
}

function containing(part: string): unknown {
  return expect.stringContaining(part)
}

function matching(pattern: RegExp): unknown {
  return expect.stringMatching(pattern)
}
