/** Parts that die, and the effects. */
import type { Socket } from 'node:net'
import { Worker } from 'node:worker_threads'
import { accept, dial, type Overlay } from '@troupe/network'
import { describe, expect, it } from 'vitest'
import { echoed } from './echoed.ts'
import { sidecarPids } from './sidecar-pids.ts'
import { serve, TailnetWorld } from './tailscale-fixture.ts'

describe('the sidecar', () => {
  it('killed under load resets every connection; nodes and listeners return with name and address', async () => {
    await using world = await TailnetWorld.start()
    const [left, right] = await Promise.all([world.node('left'), world.node('right')])
    const address = await serve(right, 7, (socket) => socket.pipe(socket))
    const before = await world.overlays.status(right.id)
    const sockets = await Promise.all(Array.from({ length: 50 }, async () => dial(left.route, address)))
    const busy = sockets.map(busyOn)
    const [pid] = await sidecarPids()
    if (pid === undefined) throw new Error('there is no sidecar')
    process.kill(pid, 'SIGKILL')
    // None of them looks like a regular end by the other side.
    // A write that comes after the reset fails with EPIPE.
    for (const code of await Promise.all(busy)) expect(['ECONNRESET', 'EPIPE']).toContain(code)
    await expect.poll(async () => tryEcho(left, address.host)).toBe('Unavailable')
    await expect.poll(async () => tryEcho(left, address.host)).toBe('hello')
    expect(await world.overlays.status(right.id)).toMatchObject({
      state: 'up',
      name: before?.name,
      addresses: before?.addresses,
    })
    expect(await sidecarPids()).not.toContain(pid)
    expect(world.log.filter((line) => line.includes('SIGKILL'))).toHaveLength(2)
  })

  it('ends with the last node, and leaves nothing behind', async () => {
    await using world = await TailnetWorld.start()
    const only = await world.node('only')
    expect(await sidecarPids()).toHaveLength(1)
    await world.overlays.remove(only.id)
    expect(await sidecarPids()).toEqual([])
  })

  it('that was replaced manually ends its listeners: the acceptor is notified', async () => {
    await using world = await TailnetWorld.start()
    const node = await world.node('left')
    const listener = await accept((await node.bind({ port: 7 })).listenGrant)
    const lost = Array.fromAsync(listener.connections).catch((error: unknown) => error)
    await world.overlays.replace(node.id)
    expect(await lost).toMatchObject({ kind: 'Unavailable' })
    const again = world.overlays.get(node.id)
    expect(await serve(again, 7, (socket) => socket.pipe(socket))).toEqual(listener.address)
    expect(await tryEcho(again, listener.address.host)).toBe('hello')
  })
})

describe('the tailnet', () => {
  it('continues without its coordination server, and learns of new nodes when that is back', async () => {
    await using world = await TailnetWorld.start()
    const { tailnet } = world
    const [left, right] = await Promise.all([world.node('left'), world.node('right')])
    await serve(right, 7, (socket) => socket.pipe(socket))
    expect(await tryEcho(left, 'right')).toBe('hello')
    await tailnet.command('control', { on: false })
    expect(await tryEcho(left, 'right')).toBe('hello')
    const failed = await world.node('late').catch((error: unknown) => error)
    expect(failed).toMatchObject({ kind: 'Unavailable', retryable: true, details: { code: 'ECONTROL' } })
    await tailnet.command('control', { on: true })
    const late = await world.overlays.add(world.idOf('late'))
    await serve(late, 7, (socket) => socket.pipe(socket))
    await expect.poll(async () => tryEcho(left, 'late')).toBe('hello')
  })

  it('continues without its relay on a direct route, and over its relay otherwise', async () => {
    await using world = await TailnetWorld.start()
    const { tailnet } = world
    await tailnet.command('relay_only', { on: true })
    const [left, right] = await Promise.all([world.node('left'), world.node('right')])
    await serve(right, 7, (socket) => socket.pipe(socket))
    expect(await tryEcho(left, 'right')).toBe('hello')
    expect(await world.overlays.status(left.id)).toMatchObject({ peers: [{ path: 'relayed', relay: 'test' }] })
    await tailnet.command('relay_only', { on: false })
    await expect
      .poll(async () => {
        await tryEcho(left, 'right')
        return world.overlays.status(left.id)
      })
      .toMatchObject({ peers: [{ path: 'direct' }] })
    await tailnet.command('relay', { on: false })
    expect(await tryEcho(left, 'right')).toBe('hello')
  })
})

it('carries 1,000 connections that four threads dial at once', { timeout: 120_000 }, async () => {
  await using world = await TailnetWorld.start()
  const [left, right] = await Promise.all([world.node('left'), world.node('right')])
  const target = await serve(right, 7, (socket) => socket.pipe(socket))
  const workerData = { route: left.route, target, count: 250 }
  const outcomes = await Promise.all(
    Array.from({ length: 4 }, async () => {
      const worker = new Worker(new URL('./tailscale-dialer.ts', import.meta.url), { workerData })
      const outcome = await new Promise<unknown>((resolve, reject) =>
        worker.once('message', resolve).once('error', reject),
      )
      await worker.terminate()
      return outcome
    }),
  )
  expect(outcomes).toEqual(Array.from({ length: 4 }, () => ({ succeeded: 250, failed: [] })))
})

/** Writes and reads without end; returns the code of the error that ends it, or `end`. */
async function busyOn(socket: Socket): Promise<string> {
  const chunk = Buffer.alloc(1024, 'x')
  socket.on('data', () => socket.write(chunk))
  socket.write(chunk)
  const { promise, resolve } = Promise.withResolvers<string>()
  socket
    .once('end', () => resolve('end'))
    .on('error', (error) => resolve('code' in error ? String(error.code) : error.message))
  return promise
}

/** The reply to a hello; the kind of the error if there was none. */
async function tryEcho(from: Overlay, host: string): Promise<string> {
  try {
    return String(await echoed(await dial(from.route, { host, port: 7 }), Buffer.from('hello')))
  } catch (error) {
    return error instanceof Error && 'kind' in error ? String(error.kind) : String(error)
  }
}
