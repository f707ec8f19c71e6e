/**
 * Changes around an overlay, with all drivers: its login is refused, its peer moves to another address, the clock
 * jumps.
 */
import type dnsModule from 'node:dns'
import { sleep, TroupeError } from '@troupe/core'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { dial } from './dial/dial.ts'
import { overlayHealth } from './dial/overlay-health.ts'
import { FakeRouter } from './drivers/i2p/testing/fake-router.ts'
import { becomes } from './testing/becomes.ts'
import { Relay } from './testing/trouble-relay.ts'
import { type Driver, drivers, echoed, echoInRouter, id, open, type Stage } from './testing/trouble-stages.ts'
import { day, shiftedClock } from './testing/trouble-walk.ts'

/** Names that this machine's resolver knows in addition to its own. */
const names = vi.hoisted(() => new Map<string, string>())
vi.mock('node:dns', async (original) => {
  const dns = await original<typeof dnsModule>()
  const lookup = (
    host: string,
    options: { readonly all?: boolean },
    done: (error: null, found: unknown, family?: number) => void,
  ) => {
    const address = names.get(host)
    if (address === undefined) Reflect.apply(dns.lookup, dns, [host, options, done])
    else process.nextTick(() => (options.all === true ? done(null, [{ address, family: 4 }]) : done(null, address, 4)))
  }
  return { ...dns, lookup, default: { ...dns, lookup } }
})

const patience = { timeout: 120_000 }
const name = 'peer.test'
const former = '127.0.0.1'
const latter = '127.0.0.2'

function untilTestEnds(): AsyncDisposableStack {
  const stack = new AsyncDisposableStack()
  onTestFinished(async () => stack.disposeAsync())
  return stack
}

async function staged({ start }: Driver, host?: string): Promise<Stage & { readonly stack: AsyncDisposableStack }> {
  const stack = untilTestEnds()
  const stage = await start(stack, host)
  await becomes(stage.overlays, id, 'up')
  return { ...stage, stack }
}

async function worksAgain({ overlays, target }: Stage): Promise<void> {
  await vi.waitFor(async () => expect(await echoed(overlays, target)).toBe('hello'), { timeout: 120_000 })
  await becomes(overlays, id, 'up')
}

/** An open stream that echoes its input. */
async function opened({ overlays, target }: Stage) {
  const socket = await dial(overlays.route(id), target, patience)
  let heard = ''
  socket.on('error', () => undefined).on('data', (chunk) => void (heard += String(chunk)))
  const says = async (word: string) => {
    socket.write(word)
    await vi.waitFor(() => expect(heard.endsWith(word)).toBe(true), patience)
  }
  await says('first')
  return says
}

describe.each(drivers)('$name', (driver) => {
  describe('whose login is no longer accepted', () => {
    it('is down, with the login as the reason, until it is accepted again', { timeout: 60_000 }, async () => {
      const stage = await staged(driver)
      const says = await opened(stage)
      stage.admit(false)
      const status = await becomes(stage.overlays, id, 'down')
      expect(status?.reason).toMatch(/refused the username and password|Authorization failed/)
      expect(status?.reason).not.toContain('secret')
      // Open streams continue: they were admitted.
      await says('open')
      const error: unknown = await dial(stage.overlays.route(id), stage.target, patience).catch(
        (thrown: unknown) => thrown,
      )
      expect(error).toMatchObject({ kind: 'Unavailable', retryable: true, details: { overlay: id } })
      expect(error instanceof TroupeError ? error.message : '').toMatch(
        /refused the username and password|Authorization failed/,
      )
      stage.admit(true)
      await worksAgain(stage)
    })
  })

  describe('whose peer moves to another address of its name', () => {
    it('is resolved again each time, and works again', { timeout: 60_000 }, async () => {
      names.set(name, former)
      const stage = await staged(driver, name)
      const says = await opened(stage)
      await using moved = await Relay.to(stage.relay.peer, { host: latter, port: stage.relay.port })
      await stage.relay.make('refuses')
      // The move has not been reported yet.
      await becomes(stage.overlays, id, 'down')
      await says('open')
      names.set(name, latter)
      await worksAgain(stage)
      stage.relay.cut()
      await worksAgain(stage)
      expect([stage.relay.strays, moved.strays]).toEqual([0, 0])
    })
  })

  describe.each([
    ['forward', day],
    ['back', -day],
  ])('whose clock jumps %s by a day', (_direction, jump) => {
    it('continues', { timeout: 60_000 }, async () => {
      const stage = await staged(driver)
      const says = await opened(stage)
      using _clock = shiftedClock(jump)
      await says('open')
      expect(await echoed(stage.overlays, stage.target)).toBe('hello')
      await becomes(stage.overlays, id, 'up')
    })

    it('while its peer is gone: fails dials, and recovers as usual', { timeout: 60_000 }, async () => {
      const stage = await staged(driver)
      await stage.relay.make('refuses')
      await expect(echoed(stage.overlays, stage.target)).rejects.toMatchObject({ kind: 'Unavailable' })
      await becomes(stage.overlays, id, 'down')
      await stage.relay.make('works')
      await worksAgain(stage)
      // A probe that was requested before has run by then: the next one runs a minute later, or after a dial reports
      // trouble.
      await sleep(2500)
      using _clock = shiftedClock(jump)
      await stage.relay.make('refuses')
      await expect(echoed(stage.overlays, stage.target)).rejects.toMatchObject({ kind: 'Unavailable' })
      // Only the dial has reported it.
      await vi.waitFor(async () => expect(await stage.overlays.status(id)).toMatchObject({ state: 'down' }), {
        timeout: 120_000,
      })
      await stage.relay.make('works')
      await worksAgain(stage)
    })
  })
})

it.each([day, -day])(
  'a proxy that was down when the clock jumped by %i ms is retried as soon as before',
  { timeout: 60_000 },
  async (jump) => {
    const stack = untilTestEnds()
    const [one, two] = await Promise.all([drivers[0]?.start(stack), drivers[0]?.start(stack)])
    if (!one || !two) throw new Error('two proxies were started')
    const login = { username: 'ann', password: 'secret' }
    const proxies = [one, two].map(({ relay }) => ({ host: former, port: relay.port, ...login }))
    const overlays = await open(stack, 'network.socks5', { proxies, connect_timeout: '500ms' })
    const first = one.relay
    await first.make('refuses')
    expect(await echoed(overlays, one.target)).toBe('hello')
    expect(overlayHealth(overlays.application)[0]?.entrances?.[0]?.state).toBe('down')
    using _clock = shiftedClock(jump)
    await first.make('works')
    const isUp = () => overlayHealth(overlays.application)[0]?.entrances?.[0]?.state === 'up'
    // Its check runs in the background of a dial, from a second on.
    await vi.waitFor(
      async () => {
        await echoed(overlays, one.target)
        expect(isUp()).toBe(true)
      },
      { timeout: 120_000, interval: 200 },
    )
  },
)

it('a listener in I2P whose router moves is reached again at its address', { timeout: 60_000 }, async () => {
  const stack = untilTestEnds()
  names.set(name, former)
  const router = stack.use(await FakeRouter.start())
  const relay = stack.use(await Relay.to({ host: former, port: router.port }))
  const at = await echoInRouter(stack, { host: name, port: relay.port, limit: '500ms' })
  const visitor = await open(stack, 'network.i2p', {
    host: former,
    port: router.port,
    wait_timeout: '500ms',
    first_byte_timeout: '2s',
  })
  const visit = async () => echoed(visitor, { host: at.address, port: 80 })
  expect(await visit()).toBe('hello')
  stack.use(await Relay.to({ host: former, port: router.port }, { host: latter, port: relay.port }))
  await relay.make('refuses')
  relay.cut()
  names.set(name, latter)
  await vi.waitFor(async () => expect(await visit()).toBe('hello'), { timeout: 120_000 })
  expect(await at.overlays.status(at.id)).toMatchObject({ state: 'up' })
})
