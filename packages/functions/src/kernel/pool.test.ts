import { entryId } from '@troupe/core'
import { describe, expect, it } from 'vitest'
import { funcs } from '../funcs.ts'
import { functionEntry, testApp, type TestApp } from '../testing/app.ts'
import { Lock, newLock } from '../testing/lock.ts'
import type { Operation } from '../testing/programs.ts'

/** An application with one function that performs the action in its arguments. */
async function actors(pool: unknown, grace?: number) {
  const app = await testApp({ entries: [functionEntry('act', pool)], ...(grace !== undefined && { grace }) })
  return { app, ...operationsOf(app), [Symbol.asyncDispose]: async () => app[Symbol.asyncDispose]() }
}

function operationsOf(app: TestApp) {
  /** Starts an action; settles when its function runs. */
  const start = async (operation: Operation, caller = funcs) => {
    const memory = newLock()
    const lock = new Lock(memory)
    const value = app.run(async () => caller.call('app:act', operation, memory))
    value.catch(() => undefined)
    await lock.arrivedBy(1)
    return { lock, value }
  }
  const act = async (operation: Operation, caller = funcs) =>
    app.run(async () => caller.call('app:act', operation, newLock()))
  return { start, act }
}

const cancelled = { kind: 'Canceled', message: 'app:act was cancelled by its caller' }

describe('a pool', () => {
  it('runs at most one call per thread; others wait, up to the length of its queue', async () => {
    await using given = await actors({ max: 1, queue: 1 })
    const first = await given.start('hold')
    const waiting = given.act('where')
    await expect(given.act('where')).rejects.toMatchObject({
      kind: 'Unavailable',
      retryable: true,
      details: { queue: 1 },
    })
    expect(given.app.functions.pools()).toEqual([{ entry: 'app:act', threads: 1, networks: 1, running: 1, waiting: 1 }])
    first.lock.open()
    expect(await first.value).toBe('held')
    expect(await waiting).toBeTypeOf('number')
  })

  it('runs as many calls at once as it has threads', async () => {
    await using given = await actors({ max: 2 })
    const both = await Promise.all([given.start('hold'), given.start('hold')])
    for (const { lock } of both) lock.open()
    expect(await Promise.all(both.map(async ({ value }) => value))).toEqual(['held', 'held'])
  })

  it('keeps its minimum of threads from the start, and ends idle ones', async () => {
    await using given = await actors({ min: 1, max: 2, idle_timeout: '10ms' })
    given.app.functions.warm()
    expect(given.app.functions.pools()).toMatchObject([{ threads: 1, running: 0 }])
    const both = await Promise.all([given.start('hold'), given.start('hold')])
    expect(given.app.functions.pools()).toMatchObject([{ threads: 2, running: 2 }])
    for (const { lock } of both) lock.open()
    await expect.poll(() => given.app.functions.pools()).toMatchObject([{ threads: 1, running: 0 }])
  })

  it('ends a thread after the native code that works in it, past a grace period and when it stops', async () => {
    const given = await actors({ max: 2 }, 1)
    const controller = new AbortController()
    const late = await given.start('native', funcs.withOptions({ signal: controller.signal }))
    const running = await given.start('native')
    await Promise.all([late, running].map(async ({ lock }) => lock.arrivedBy(2)))
    controller.abort()
    await expect(late.value).rejects.toMatchObject({ kind: 'Canceled' })
    await given.app[Symbol.asyncDispose]()
    await expect(running.value).rejects.toMatchObject({ kind: 'Canceled' })
    expect([late.lock.arrivals, running.lock.arrivals]).toEqual([3, 3])
  })

  it('restarts when its entry has changed', async () => {
    await using given = await actors({ max: 1 })
    const held = await given.start('hold')
    await given.app.functions.retire(entryId('app:act'))
    await expect(held.value).rejects.toMatchObject({ kind: 'Canceled' })
    expect(await given.act('where')).toBeTypeOf('number')
  })
})

describe('a call that is cancelled', () => {
  it('rejects at once and never starts while it is queued', async () => {
    await using given = await actors({ max: 1 })
    const first = await given.start('hold')
    const controller = new AbortController()
    const memory = newLock()
    const caller = funcs.withOptions({ signal: controller.signal })
    const waiting = given.app.run(async () => caller.call('app:act', 'where', memory))
    controller.abort(new Error('enough'))
    await expect(waiting).rejects.toMatchObject({ ...cancelled, cause: { message: 'enough' } })
    await expect.poll(() => given.app.functions.pools()).toMatchObject([{ waiting: 0 }])
    first.lock.open()
    await given.act('where')
    expect(new Lock(memory).arrivals).toBe(0)
  })

  it('does not start when its signal was already aborted', async () => {
    await using given = await actors({ max: 1 })
    await expect(given.act('where', funcs.withOptions({ signal: AbortSignal.abort() }))).rejects.toMatchObject(
      cancelled,
    )
    expect(given.app.functions.pools()).toEqual([])
  })

  it('rejects at once while it runs; its function sees the signal, its thread and other calls continue', async () => {
    await using given = await actors({ max: 2 })
    const sibling = await given.start('hold')
    const thread = await given.act('where')
    const controller = new AbortController()
    const running = await given.start('untilAborted', funcs.withOptions({ signal: controller.signal }))
    controller.abort()
    await expect(running.value).rejects.toMatchObject(cancelled)
    await running.lock.arrivedBy(2)
    expect(await given.act('where')).toBe(thread)
    sibling.lock.open()
    expect(await sibling.value).toBe('held')
  })

  it('by a timeout rejects with Timeout', async () => {
    await using given = await actors({ max: 1 })
    // The time counts from the call. The start of a thread must not use it up.
    await given.act('where')
    const running = await given.start('untilAborted', funcs.withOptions({ timeout: 1000 }))
    await expect(running.value).rejects.toMatchObject({ kind: 'Timeout', retryable: true })
    await running.lock.arrivedBy(2)
  })

  it('loses its thread if it does not return; no other call does', async () => {
    await using given = await actors({ max: 2 }, 20)
    const sibling = await given.start('hold')
    const thread = await given.act('where')
    const running = await given.start('loop', funcs.withOptions({ timeout: 1000 }))
    await expect(running.value).rejects.toMatchObject({ kind: 'Timeout' })
    const next = await given.act('where')
    expect(next).not.toBe(thread)
    sibling.lock.open()
    expect(await sibling.value).toBe('held')
  })
})

describe('a thread that ends during a call', () => {
  it('fails that call only, and is replaced', async () => {
    await using given = await actors({ max: 2 })
    const sibling = await given.start('hold')
    const thread = await given.act('where')
    await expect(given.act('exit')).rejects.toMatchObject({
      kind: 'Unknown',
      message: 'app:act: it called process.exit(3)',
      details: { code: 3, entry: 'app:act' },
    })
    expect(await given.act('where')).not.toBe(thread)
    sibling.lock.open()
    expect(await sibling.value).toBe('held')
  })

  it('does not stall queued calls', async () => {
    await using given = await actors({ max: 1 })
    const results = await Promise.allSettled([given.act('exit'), given.act('exit'), given.act('where')])
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled'])
  })

  it.each([
    ['stray', 'from a timer'],
    ['rejection', 'from a promise'],
  ] as const)('is not needed for an uncaught error: %s', async (operation, message) => {
    await using given = await actors({ max: 1 })
    const thread = await given.act('where')
    await expect(given.act(operation)).rejects.toMatchObject({ name: 'RangeError', message })
    expect(await given.act('where')).toBe(thread)
  })
})

describe('calls that are queued in a thread, because earlier ones were very short', () => {
  /** Actors whose threads expect calls to take no time. */
  async function fastActors(max: number) {
    const given = await actors({ max })
    await given.act('where')
    // One after the other, so that each thread has run some.
    await Promise.all(Array.from({ length: 100 * max }, async () => given.act('where')))
    return given
  }
  const some = Array.from({ length: 8 })

  it('run elsewhere when the call before them does not end', async () => {
    await using given = await fastActors(2)
    const both = await Promise.all([given.start('hold'), given.start('hold')])
    const [first, second] = both
    const waiting = some.map(async () => given.act('where'))
    await expect.poll(() => given.app.functions.pools()).toMatchObject([{ running: 2, waiting: 8 }])
    second.lock.open()
    expect(await second.value).toBe('held')
    expect(new Set(await Promise.all(waiting)).size).toBe(1)
    first.lock.open()
    expect(await first.value).toBe('held')
  })

  it('never start when they are cancelled', async () => {
    await using given = await fastActors(1)
    const controller = new AbortController()
    const memory = newLock()
    const blocking = newLock()
    const results = given.app.run(async () =>
      Promise.allSettled([
        funcs.call('app:act', 'hold', blocking),
        funcs.withOptions({ signal: controller.signal }).call('app:act', 'where', memory),
      ]),
    )
    await new Lock(blocking).arrivedBy(1)
    controller.abort()
    await expect.poll(() => given.app.functions.pools()).toMatchObject([{ running: 1, waiting: 0 }])
    new Lock(blocking).open()
    expect(await results).toMatchObject([{ value: 'held' }, { reason: cancelled }])
    await given.act('where')
    expect(new Lock(memory).arrivals).toBe(0)
  })

  it('run in another thread when theirs ends during the call before', async () => {
    await using given = await fastActors(1)
    const thread = await given.act('where')
    const [ended, ...others] = await Promise.allSettled([
      given.act('exit'),
      ...some.map(async () => given.act('where')),
    ])
    expect(ended).toMatchObject({ reason: { kind: 'Unknown', details: { code: 3 } } })
    const threads = others.map((result) => (result.status === 'fulfilled' ? result.value : undefined))
    expect(new Set(threads).size).toBe(1)
    expect(threads[0]).not.toBe(thread)
  })

  it('are answered before the next call ends the thread', async () => {
    await using given = await fastActors(1)
    const results = await Promise.allSettled([...some.map(async () => given.act('where')), given.act('exit')])
    expect(results.map(({ status }) => status)).toEqual([...some.map(() => 'fulfilled'), 'rejected'])
  })
})

describe('a nested call', () => {
  const recursive = ['countdown', 'ping', 'pong'].map((method) => functionEntry(method, { max: 1 }))

  it('does not wait for a thread that its own callers hold', async () => {
    await using app = await testApp({ entries: recursive })
    expect(await app.run(async () => funcs.call('app:countdown', 100))).toBe(100)
    expect(await app.run(async () => Promise.all([1, 2, 3].map(async () => funcs.call('app:ping', 20))))).toEqual([
      20, 20, 20,
    ])
  })

  it('is refused at endless recursion', async () => {
    await using app = await testApp({ entries: recursive })
    await expect(app.run(async () => funcs.call('app:countdown', Infinity))).rejects.toMatchObject({
      kind: 'Invalid',
      message: 'app:countdown: calls are nested 1000 deep, which looks like a recursion without end',
    })
  })

  it('that blocks the thread of its caller past its deadline ends that thread', async () => {
    await using given = await actors({ max: 1 }, 20)
    const thread = await given.act('where')
    await expect(given.act('nestedLoop')).rejects.toMatchObject({
      kind: 'Unavailable',
      message: 'its thread was ended: app:act, which it called, did not return',
    })
    expect(await given.act('where')).not.toBe(thread)
  })
})
