/**
 * The effect of each trouble on a node of a tailnet that is idle, dials, streams and listens: the rows of the table of
 * troubles whose peers are the sidecar and the coordination server. `docs/overlays.md` has the table.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import { dial } from '@troupe/network'
import { describe, expect, it } from 'vitest'
import { echoed } from './echoed.ts'
import { sidecarPids, suspend } from './sidecar-pids.ts'
import { serve, TailnetWorld } from './tailscale-fixture.ts'

const patience = { timeout: 90_000, interval: 200 }
const day = 86_400_000

/** Two nodes, with a stream from left to right; the right one sends back what it receives. */
async function staged(stack: AsyncDisposableStack) {
  const world = stack.use(await TailnetWorld.start())
  const [left, right] = await Promise.all([world.node('left'), world.node('right')])
  const target = await serve(right, 7, (socket) => socket.pipe(socket))
  const states: unknown[] = []
  const take = (event: unknown) => void states.push(event)
  subscribe('troupe:overlay:state', take)
  stack.defer(() => void unsubscribe('troupe:overlay:state', take))
  const visit = async () =>
    String(await echoed(await dial(left.route, target, { timeout: 5000 }), Buffer.from('hello')))
  await expect.poll(async () => visit().catch(String), patience).toBe('hello')
  const stream = await dial(left.route, target)
  const { heard, end } = listening(stream)
  stream.write('acknowledged')
  await expect.poll(() => String(Buffer.concat(heard)), patience).toBe('acknowledged')
  const state = async (name: string) => {
    world.overlays.get(world.idOf(name)).doubt?.()
    return world.overlays.status(world.idOf(name))
  }
  await expect.poll(async () => state('left'), patience).toMatchObject({ state: 'up' })
  return { world, left, right, states, visit, stream, heard, end, state }
}

function listening(stream: Socket): { readonly heard: readonly Buffer[]; readonly end: Promise<string> } {
  const heard: Buffer[] = []
  const { promise: end, resolve } = Promise.withResolvers<string>()
  stream
    .on('data', (chunk: Buffer) => heard.push(chunk))
    .on('error', (error) => resolve('code' in error ? String(error.code) : error.message))
  stream.on('close', () => resolve('close'))
  return { heard, end }
}

it('a sidecar that hangs: nodes are down, dials time out, and it is ended and restarted', {
  timeout: 240_000,
}, async () => {
  await using stack = new AsyncDisposableStack()
  const { world, left, right, states, visit, heard, end, state } = await staged(stack)
  const before = await state('right')
  const [pid = 0] = await sidecarPids()
  await suspend(pid)
  await expect(visit()).rejects.toMatchObject({ kind: 'Timeout', retryable: true, details: { overlay: left.id } })
  left.doubt?.()
  expect(await end).toBe('ECONNRESET')
  expect(String(Buffer.concat(heard))).toBe('acknowledged')
  expect(states).toContainEqual(
    expect.objectContaining({
      overlay: left.id,
      state: 'down',
      reason: expect.stringContaining('did not answer') as string,
    }),
  )
  await expect.poll(async () => visit().catch(String), patience).toBe('hello')
  await expect.poll(async () => state('left'), patience).toMatchObject({ state: 'up' })
  expect(await state('right')).toMatchObject({ state: 'up', name: before?.name, addresses: before?.addresses })
  expect(await sidecarPids()).not.toContain(pid)
  expect([world.overlays.has(left.id), world.overlays.has(right.id)]).toEqual([true, true])
})

it('a login that is revoked, with its key: the node is down with the reason until it is restored', {
  timeout: 240_000,
}, async () => {
  await using stack = new AsyncDisposableStack()
  const { world, left, visit, state, heard } = await staged(stack)
  const { tailnet } = world
  await tailnet.command('revoke_all')
  await tailnet.command('expire', { node: 'left' })
  await expect.poll(async () => state('left'), patience).toMatchObject({ state: 'down' })
  await expect(visit()).rejects.toMatchObject({ kind: 'Unavailable', details: { overlay: left.id } })
  expect(await state('right')).toMatchObject({ state: 'up' })
  expect(String(Buffer.concat(heard))).toBe('acknowledged')
  await tailnet.command('renew', { node: 'left' })
  await expect.poll(async () => visit().catch(String), patience).toBe('hello')
  await expect.poll(async () => state('left'), patience).toMatchObject({ state: 'up' })
  // The listener's login is over, and released.
  await tailnet.command('expire', { node: 'right' })
  await expect.poll(async () => state('right'), patience).toMatchObject({ state: 'down' })
  await expect.poll(async () => visit().catch(String), patience).not.toBe('hello')
  await tailnet.command('renew', { node: 'right' })
  await expect.poll(async () => visit().catch(String), patience).toBe('hello')
})

it('a coordination server that stops: open connections continue, dials work, and the node is degraded', {
  timeout: 240_000,
}, async () => {
  await using stack = new AsyncDisposableStack()
  const { world, visit, stream, heard, state } = await staged(stack)
  await world.tailnet.command('control', { on: false })
  stream.write(' and more')
  await expect.poll(() => String(Buffer.concat(heard)), patience).toBe('acknowledged and more')
  expect(await visit()).toBe('hello')
  await expect
    .poll(async () => state('left'), patience)
    .toMatchObject({
      state: 'degraded',
      reason: expect.stringContaining('refused') as string,
    })
  await world.tailnet.command('control', { on: true })
  expect(await visit()).toBe('hello')
  await expect.poll(async () => state('left'), patience).toMatchObject({ state: 'up' })
})

it('a name that another node takes: dials find the new one, streams to the former break with what came before', {
  timeout: 240_000,
}, async () => {
  await using stack = new AsyncDisposableStack()
  const { world, right, visit, heard, end, state } = await staged(stack)
  const before = await state('right')
  await world.overlays.remove(right.id)
  expect(await end).toBe('ECONNRESET')
  expect(String(Buffer.concat(heard))).toBe('acknowledged')
  // The node itself works, whatever its peers do.
  expect(await state('left')).toMatchObject({ state: 'up' })
  await world.tailnet.command('remove', { node: 'right' })
  await expect.poll(async () => visit().catch(String), patience).toContain('ENOTFOUND')
  const other = await world.node('other', { hostname: 'right', state_dir: 'other' })
  await serve(other, 7, (socket) => socket.pipe(socket))
  await expect.poll(async () => visit().catch(String), patience).toBe('hello')
  const after = await state('other')
  expect(after?.name).toBe(before?.name)
  expect(after?.addresses).not.toEqual(before?.addresses)
  expect(await state('left')).toMatchObject({ state: 'up' })
})

describe.each([
  ['forward', day],
  ['back', -day],
])('a clock that jumps %s by a day', (_direction, jump) => {
  it('changes nothing', async () => {
    await using stack = new AsyncDisposableStack()
    const { visit, stream, heard, state } = await staged(stack)
    const { now } = Date
    stack.defer(() => void (Date.now = now))
    Date.now = () => now() + jump
    stream.write(' and more')
    await expect.poll(() => String(Buffer.concat(heard)), patience).toBe('acknowledged and more')
    expect(await visit()).toBe('hello')
    expect(await state('left')).toMatchObject({ state: 'up' })
  })
})
