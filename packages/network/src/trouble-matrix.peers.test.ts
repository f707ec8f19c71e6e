/**
 * The effect of each trouble between an overlay and its peer (a proxy, a router): one table for all drivers. The peers
 * are reached through a relay that makes the trouble. `docs/overlays.md` has the table.
 */
import { TroupeError } from '@troupe/core'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { dial } from './dial/dial.ts'
import { FakeRouter } from './drivers/i2p/testing/fake-router.ts'
import { Relay } from './testing/trouble-relay.ts'
import { type Driver, drivers, echoed, echoInRouter, id, open, type Stage } from './testing/trouble-stages.ts'
import { seeded, step, troubles } from './testing/trouble-walk.ts'
import { becomes } from './testing/becomes.ts'

const patience = { timeout: 120_000 }

function untilTestEnds(): AsyncDisposableStack {
  const stack = new AsyncDisposableStack()
  onTestFinished(async () => stack.disposeAsync())
  return stack
}

async function staged({ start }: Driver): Promise<Stage> {
  const stage = await start(untilTestEnds())
  await becomes(stage.overlays, id, 'up')
  return stage
}

describe.each(drivers)('$name', (driver) => {
  describe.each(troubles)('whose peer %s', (trouble) => {
    it('idle: is down with a reason, and up again with the peer', { timeout: 60_000 }, async () => {
      const { relay, overlays } = await staged(driver)
      await relay.make(trouble)
      relay.cut()
      const status = await becomes(overlays, id, 'down')
      expect(status?.reason).toContain(id)
      await relay.make('works')
      await becomes(overlays, id, 'up')
    })

    it('dialling: reports it, names the overlay, is retryable, and works again with the peer', {
      timeout: 60_000,
    }, async () => {
      const { relay, overlays, target } = await staged(driver)
      await relay.make(trouble)
      const error: unknown = await dial(overlays.route(id), target, patience).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ retryable: true, details: { overlay: id } })
      expect(['Unavailable', 'Timeout']).toContain(error instanceof TroupeError ? error.kind : '')
      await relay.make('works')
      await vi.waitFor(async () => expect(await echoed(overlays, target)).toBe('hello'), { timeout: 120_000 })
    })

    it('streaming: delivers all bytes before a broken connection; without one, the stream continues', async () => {
      const { relay, overlays, target } = await staged(driver)
      const socket = await dial(overlays.route(id), target, patience)
      const heard: Buffer[] = []
      const end = new Promise<string>((resolve) => {
        socket
          .on('error', (error) => resolve('code' in error ? String(error.code) : String(error)))
          .on('close', () => resolve('close'))
      })
      socket.on('data', (chunk: Buffer) => heard.push(chunk))
      socket.write('acknowledged')
      await vi.waitFor(() => expect(String(Buffer.concat(heard))).toBe('acknowledged'), patience)
      await relay.make(trouble)
      socket.write(' and more')
      await vi.waitFor(() => expect(String(Buffer.concat(heard))).toBe('acknowledged and more'), patience)
      relay.cut()
      expect(await end).toBe('ECONNRESET')
      expect(String(Buffer.concat(heard))).toBe('acknowledged and more')
      // Nothing bypassed the relay: it is the only path, and saw each connection.
      expect(relay.strays).toBe(0)
    })
  })

  // A longer run: `npm run soak:overlays`.
  it.each([18, 180, 1800])('survives a random walk, with the seed %i', { timeout: 240_000 }, async (seed) => {
    const stage = await staged(driver)
    const random = seeded(seed)
    for (let steps = 0; steps < 3; steps += 1) await expect(step(stage, random, 60_000)).resolves.toBeUndefined()
  })
})

describe.each(troubles)('a listener in I2P whose router %s', (trouble) => {
  it('is reported by the status, and is reached again at its address', { timeout: 60_000 }, async () => {
    const stack = untilTestEnds()
    const router = stack.use(await FakeRouter.start())
    const relay = stack.use(await Relay.to({ host: '127.0.0.1', port: router.port }))
    const at = await echoInRouter(stack, { port: relay.port, limit: '500ms' })
    const visitor = await open(stack, 'network.i2p', {
      host: '127.0.0.1',
      port: router.port,
      wait_timeout: '500ms',
      first_byte_timeout: '2s',
    })
    const visit = async () => echoed(visitor, { host: at.address, port: 80 })
    expect(await visit()).toBe('hello')
    await relay.make(trouble)
    relay.cut()
    await vi.waitFor(async () => expect(await at.overlays.status(at.id)).toMatchObject({ state: 'down' }), {
      timeout: 120_000,
    })
    await expect(visit()).rejects.toThrow(/app:way/)
    await relay.make('works')
    await vi.waitFor(async () => expect(await visit()).toBe('hello'), { timeout: 120_000 })
    expect(await at.overlays.status(at.id)).toMatchObject({ state: 'up' })
  })
})
