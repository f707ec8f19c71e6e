import { TroupeError } from '@troupe/core'
import { lifecycleSchema } from '@troupe/registry'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { SimulatedClock } from 'xstate'
import type { Start } from './service-instance.ts'
import type { ServiceStatus } from './service.ts'
import { serviceChannel, ServiceSupervisor } from './service-supervisor.ts'
import { failing, Play, willing } from '../supervisor/testing/act.ts'
import { graphOf, id } from '../supervisor/testing/graph.ts'
import { States } from '../supervisor/testing/states.ts'

interface Staging {
  /** References between entries, by name. */
  readonly references?: Readonly<Record<string, readonly string[]>>
  /** How each service starts. */
  readonly services: Readonly<Record<string, Start>>
  readonly lifecycle?: Readonly<Record<string, unknown>>
  readonly auto?: readonly string[]
}

function staged({ references = {}, services, lifecycle = {}, auto = Object.keys(services) }: Staging) {
  const clock = new SimulatedClock()
  const states = new States()
  const onService = (status: unknown) => {
    states.record(status as ServiceStatus)
  }
  serviceChannel.subscribe(onService)
  onTestFinished(() => {
    serviceChannel.unsubscribe(onService)
  })
  const supervisor = new ServiceSupervisor({
    graph: graphOf(references),
    services: Object.entries(services).map(([name, start]) => ({
      id: id(name),
      kind: 'test.service',
      lifecycle: lifecycleSchema.parse({ restart: { jitter: 0 }, ...lifecycle }),
      autoStart: auto.includes(name),
      start,
    })),
    log: () => undefined,
    clock,
  })
  const state = (name: string) => supervisor.status(id(name)).state
  return {
    clock,
    states,
    supervisor,
    state,
    until: async (name: string, ...rest: Later) => states.until(id(name), ...rest),
  }
}

type Later = Parameters<States['until']> extends [string, ...infer Rest] ? Rest : never

const unavailable = new TroupeError('Unavailable', 'not now')

describe('starting all', () => {
  it('starts auto_start services and what they need, in the order of needs', async () => {
    const order: string[] = []
    const log = (name: string) => willing((what) => order.push(`${name} ${what}`))
    const { supervisor, state } = staged({
      references: { web: ['cache', 'db'], cache: ['db'], batch: ['db'] },
      services: { web: log('web'), cache: log('cache'), db: log('db'), batch: log('batch') },
      auto: ['web'],
    })
    await supervisor.startAll()
    expect(order).toEqual(['db up', 'cache up', 'web up'])
    expect(state('batch')).toBe('Unknown')
  })

  it('waits only for needs', async () => {
    const slow = new Play()
    const { supervisor, state, until } = staged({
      references: { quick: ['base'], far: ['quick'] },
      services: { slow: slow.start, base: willing(), quick: willing(), far: willing() },
    })
    const all = supervisor.startAll()
    await until('far', 'Running')
    expect(state('slow')).toBe('Starting')
    ;(await slow.act(1)).comeUp()
    await all
  })

  it('finds needs behind entries that are not services', async () => {
    const order: string[] = []
    const { supervisor } = staged({
      references: { watcher: ['program'], program: ['policy', 'overlay'], overlay: ['program2'] },
      services: {
        watcher: willing((what) => order.push(`watcher ${what}`)),
        overlay: willing((what) => order.push(`overlay ${what}`)),
      },
      auto: ['watcher'],
    })
    await supervisor.startAll()
    await supervisor.stopAll()
    expect(order).toEqual(['overlay up', 'watcher up', 'watcher down', 'overlay down'])
  })

  it('settles when one fails, and its dependents wait without losing attempts', async () => {
    const base = new Play()
    const { clock, supervisor, state, until } = staged({
      references: { mid: ['base'], top: ['mid'] },
      services: { base: base.start, mid: willing(), top: willing() },
      lifecycle: { restart: { jitter: 0, maxAttempts: 2 } },
    })
    const all = supervisor.startAll()
    ;(await base.act(1)).failToCome(unavailable)
    await all
    expect(supervisor.list().map(({ state }) => state)).toEqual(['Failed', 'Failed', 'Failed'])
    expect(supervisor.status(id('mid'))).toMatchObject({
      attempts: 0,
      error: { message: 'it needs app:base, which is Failed' },
    })
    clock.increment(1_000)
    ;(await base.act(2)).comeUp()
    await until('top', 'Running')
    expect(state('mid')).toBe('Running')
  })

  it('accepts a service that has run to its end, but not a failed one', async () => {
    const final = new TroupeError('Invalid', 'wrong', { retryable: false })
    const once = new Play()
    const { supervisor, state } = staged({
      references: { app: ['migration'], other: ['broken'] },
      services: { migration: once.start, app: willing(), broken: failing(final), other: willing() },
      auto: ['app', 'other'],
    })
    const all = supervisor.startAll()
    const act = await once.act(1)
    act.comeUp()
    act.end({ value: undefined })
    await all
    expect([state('migration'), state('app'), state('broken'), state('other')]).toEqual([
      'Exited',
      'Running',
      'Exited',
      'Failed',
    ])
    await supervisor.stop(id('app'))
    expect(await supervisor.start(id('app'))).toMatchObject({ state: 'Running' })
    expect(once.acts).toHaveLength(1)
  })
})

describe('starting one', () => {
  it('starts its needs, and retries failed ones at once', async () => {
    const base = new Play()
    const { supervisor } = staged({
      references: { top: ['base'] },
      services: { base: base.start, top: willing() },
      auto: [],
    })
    const first = supervisor.start(id('top'))
    ;(await base.act(1)).failToCome(unavailable)
    expect(await first).toMatchObject({ state: 'Failed' })
    const second = supervisor.start(id('top'))
    ;(await base.act(2)).comeUp()
    expect(await second).toMatchObject({ state: 'Running' })
  })

  it('rejects for an entry that is not a service', async () => {
    const { supervisor } = staged({ services: {} })
    await expect(supervisor.start(id('unknown'))).rejects.toMatchObject({ kind: 'NotFound' })
    await expect(supervisor.stop(id('unknown'))).rejects.toMatchObject({ kind: 'NotFound' })
  })
})

describe('a need that goes down', () => {
  it('leaves running services alone; those that fail meanwhile return with it', async () => {
    const host = new Play()
    const worker = new Play()
    const { clock, supervisor, state, until } = staged({
      references: { worker: ['host'] },
      services: { host: host.start, worker: worker.start, bystander: willing() },
    })
    const all = supervisor.startAll()
    ;(await host.act(1)).comeUp()
    ;(await worker.act(1)).comeUp()
    await all
    host.acts[0]?.end({ error: unavailable })
    await until('host', 'Failed')
    expect(state('worker')).toBe('Running')
    worker.acts[0]?.end({ error: unavailable })
    await until('worker', 'Failed')
    clock.increment(1_000)
    const second = await host.act(2)
    expect(worker.acts).toHaveLength(1)
    second.comeUp()
    ;(await worker.act(2)).comeUp()
    await until('worker', 'Running', 2)
  })
})

describe('stopping', () => {
  it('one service stops its dependents first, running, starting or failed', async () => {
    const order: string[] = []
    const starting = new Play()
    const { supervisor, state, until } = staged({
      references: { running: ['base'], starting: ['base'], failed: ['base'], twice: ['running', 'base'] },
      services: {
        base: willing((what) => order.push(`base ${what}`)),
        running: willing((what) => order.push(`running ${what}`)),
        starting: starting.start,
        failed: failing(unavailable),
        twice: willing((what) => order.push(`twice ${what}`)),
      },
    })
    const all = supervisor.startAll()
    const act = await starting.act(1)
    await until('twice', 'Running')
    const stopped = supervisor.stop(id('base'))
    act.comeUp()
    await act.stopping
    expect(state('base')).toBe('Running')
    act.end({ value: undefined })
    await Promise.all([stopped, all])
    expect(order.filter((line) => line.endsWith('down'))).toEqual(['twice down', 'running down', 'base down'])
    expect(supervisor.list().map((service) => service.state)).toEqual([
      'Stopped',
      'Stopped',
      'Stopped',
      'Stopped',
      'Stopped',
    ])
  })

  it('one during the start of all keeps its dependents from starting', async () => {
    const slow = new Play()
    const { supervisor, state } = staged({
      references: { mid: ['base'], top: ['mid', 'slow'] },
      services: { base: willing(), mid: willing(), top: willing(), slow: slow.start },
    })
    const all = supervisor.startAll()
    const act = await slow.act(1)
    const stopped = supervisor.stop(id('base'))
    act.comeUp()
    await Promise.all([stopped, all])
    expect([state('slow'), state('base')]).toEqual(['Running', 'Stopped'])
    expect([state('top'), state('mid')]).not.toContain('Running')
  })

  it('all leaves no timer, and nothing starts any more', async () => {
    const { clock, supervisor } = staged({
      services: { a: failing(unavailable), b: willing() },
      references: { a: ['b'] },
    })
    await supervisor.startAll()
    await supervisor.stopAll()
    clock.increment(1_000_000)
    expect(supervisor.list().map(({ state }) => state)).toEqual(['Stopped', 'Stopped'])
    await expect(supervisor.start(id('b'))).rejects.toMatchObject({ kind: 'Unavailable' })
  })

  it('all during the start of all stops the started ones and starts no more', async () => {
    const base = new Play()
    const { supervisor, state } = staged({
      references: { top: ['base'] },
      services: { base: base.start, top: willing() },
    })
    const all = supervisor.startAll()
    const act = await base.act(1)
    const stopped = supervisor.stopAll()
    act.comeUp()
    await act.stopping
    act.end({ value: undefined })
    await Promise.all([all, stopped])
    expect([state('base'), state('top')]).toEqual(['Stopped', 'Unknown'])
  })
})

describe('any application', () => {
  const sizes = fc.integer({ min: 1, max: 8 })
  /** Each service refers to some of the services before it. */
  const graphs = sizes.chain((size) =>
    fc.tuple(
      ...Array.from({ length: size }, (_, index) =>
        fc.subarray(Array.from({ length: index }, (_, before) => `s${before}`)),
      ),
    ),
  )

  it('starts after its needs and stops before them', async () => {
    await fc.assert(
      fc.asyncProperty(graphs, async (needs) => {
        const order: string[] = []
        const names = needs.map((_, index) => `s${index}`)
        const { supervisor } = staged({
          references: Object.fromEntries(needs.map((needed, index) => [`s${index}`, needed])),
          services: Object.fromEntries(names.map((name) => [name, willing((what) => order.push(`${name} ${what}`))])),
        })
        await supervisor.startAll()
        expect(supervisor.list().every(({ state }) => state === 'Running')).toBe(true)
        await supervisor.stopAll()
        for (const [index, needed] of needs.entries()) {
          for (const other of needed) {
            expect(order.indexOf(`s${index} up`)).toBeGreaterThan(order.indexOf(`${other} up`))
            expect(order.indexOf(`s${index} down`)).toBeLessThan(order.indexOf(`${other} down`))
          }
        }
        expect(order).toHaveLength(2 * needs.length)
      }),
    )
  })
})
