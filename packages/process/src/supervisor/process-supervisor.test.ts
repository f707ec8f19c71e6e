import { entryId, TroupeError } from '@troupe/core'
import { describe, expect, it } from 'vitest'
import { SimulatedClock } from 'xstate'
import type { ChildSpec } from '../config/supervisor-kind.ts'
import { ProcessSupervisor } from './process-supervisor.ts'
import type { Rules } from './strategy.ts'
import { Play } from './testing/act.ts'

const defaults: Rules = { strategy: 'one_for_one', maxRestarts: 3, maxSeconds: 5, autoShutdown: 'never' }
const patient = new AbortController().signal

function child(id: string, spec: Partial<ChildSpec> = {}): ChildSpec {
  return { id, process: entryId('app:child'), input: [], restart: 'permanent', significant: false, ...spec }
}

function staged(children: readonly ChildSpec[], rules: Partial<Rules> = {}) {
  const clock = new SimulatedClock()
  const play = new Play()
  const supervisor = new ProcessSupervisor({
    name: 'app:workers',
    rules: { ...defaults, ...rules },
    children,
    clock,
    start: async (spec) => ({
      ...(await play.start(patient)),
      ...(spec.process === 'app:sub' && { supervisor: `app:workers/${spec.id}` }),
    }),
    isSupervisor: (process) => process === 'app:sub',
    log: () => undefined,
  })
  return { clock, play, supervisor }
}

/** Starts a supervisor with all children running. */
async function begun(children: readonly ChildSpec[], rules: Partial<Rules> = {}) {
  const stage = staged(children, rules)
  const begun = stage.supervisor.begin()
  for (const index of children.keys()) (await stage.play.act(index + 1)).comeUp()
  await begun
  return stage
}

describe('starting', () => {
  it('starts children one after the other', async () => {
    const { play, supervisor } = staged([child('a'), child('b')])
    const begun = supervisor.begin()
    const first = await play.act(1)
    expect(play.acts).toHaveLength(1)
    first.comeUp()
    ;(await play.act(2)).comeUp()
    await begun
    expect(supervisor.whichChildren().map(({ id }) => id)).toEqual(['a', 'b'])
  })

  it('fails with the first child that does not start, after stopping earlier ones', async () => {
    const { play, supervisor } = staged([child('a'), child('b'), child('c')])
    const begun = supervisor.begin()
    const first = await play.act(1)
    first.comeUp()
    ;(await play.act(2)).failToCome(new TroupeError('PermissionDenied', 'no', { retryable: false }))
    await first.stopping
    first.end({ value: undefined })
    await expect(begun).rejects.toMatchObject({
      kind: 'PermissionDenied',
      final: true,
      message: 'child b of app:workers did not start: no',
    })
    expect(play.acts).toHaveLength(2)
    expect(await supervisor.ended).toMatchObject({ error: { message: 'no' } })
  })
})

describe('stopping', () => {
  it('goes in reverse order, and waits for each', async () => {
    const { play, supervisor } = await begun([child('a'), child('b')])
    const stopped = supervisor.stop(patient)
    await play.acts[1]?.stopping
    expect(supervisor.whichChildren().map(({ id }) => id)).toEqual(['a', 'b'])
    let early = true
    void play.acts[0]?.stopping.then(() => expect(early).toBe(false))
    early = false
    play.acts[1]?.end({ value: undefined })
    await play.acts[0]?.stopping
    play.acts[0]?.end({ value: undefined })
    await stopped
    expect(await supervisor.ended).toEqual({ value: undefined })
  })

  it.each([
    ['its own time', child('a', { shutdown: 2_000 }), 2_000],
    ['five seconds by default', child('a'), 5_000],
  ])('gives a child %s', async (_, spec, time) => {
    const { clock, play, supervisor } = await begun([spec])
    void supervisor.terminateChild('a')
    const hurry = await play.acts[0]?.stopping
    clock.increment(time - 1)
    expect(hurry?.aborted).toBe(false)
    clock.increment(1)
    expect(hurry?.aborted).toBe(true)
  })

  it('gives no time for brutal_kill, and no limit for infinity and for supervisors', async () => {
    const { clock, play, supervisor } = await begun([
      child('patient', { shutdown: 'infinity' }),
      child('sub', { process: entryId('app:sub') }),
      child('brutal', { shutdown: 'brutal_kill' }),
    ])
    void supervisor.stop(patient)
    expect((await play.acts[2]?.stopping)?.aborted).toBe(true)
    play.acts[2]?.end({ value: undefined })
    for (const number of [1, 0]) {
      const hurry = await play.acts[number]?.stopping
      clock.increment(1_000_000_000)
      expect(hurry?.aborted).toBe(false)
      play.acts[number]?.end({ value: undefined })
    }
    await supervisor.ended
  })

  it('at once ends all children together', async () => {
    const { play, supervisor } = await begun([
      child('a', { shutdown: 'infinity' }),
      child('b', { shutdown: 'infinity' }),
    ])
    const hurry = new AbortController()
    const stopped = supervisor.stop(hurry.signal)
    const signal = await play.acts[1]?.stopping
    hurry.abort()
    expect(signal?.aborted).toBe(true)
    play.acts[1]?.end({ value: undefined })
    expect((await play.acts[0]?.stopping)?.aborted).toBe(true)
    play.acts[0]?.end({ value: undefined })
    await stopped
  })

  it('ends pending restarts', async () => {
    const { play, supervisor } = await begun([child('a')], { maxRestarts: 1_000_000 })
    play.acts[0]?.end({ value: undefined })
    const again = await play.act(2)
    const stopped = supervisor.stop(patient)
    again.failToCome(new Error('no'))
    await stopped
    expect(play.acts).toHaveLength(2)
  })
})

describe('escalation', () => {
  it('reports the failed supervisor, its last child and the reason', async () => {
    const { play, supervisor } = await begun([child('a')], { maxRestarts: 1, maxSeconds: 5 })
    play.acts[0]?.end({ error: new TroupeError('Unknown', 'first') })
    const second = await play.act(2)
    second.comeUp()
    second.end({ error: new TroupeError('Unknown', 'second') })
    expect(await supervisor.ended).toMatchObject({
      error: {
        kind: 'Unavailable',
        message: 'app:workers gave up: more than 1 restarts in 5 s, the last for child a: second',
        details: { supervisor: 'app:workers', child: 'a' },
        cause: { message: 'second' },
      },
    })
    await expect(supervisor.startChild(child('b'))).rejects.toMatchObject({ kind: 'Unavailable' })
  })
})

describe('children at run time', () => {
  it('are refused with the reason', async () => {
    const { supervisor } = await begun([child('a')])
    await expect(supervisor.startChild(child('a'))).rejects.toMatchObject({
      kind: 'AlreadyExists',
      details: { id: 'a' },
    })
    await expect(supervisor.startChild(child('b', { significant: true }))).rejects.toMatchObject({ kind: 'Invalid' })
    await expect(supervisor.restartChild('a')).rejects.toMatchObject({ kind: 'Conflict' })
    await expect(supervisor.deleteChild('a')).rejects.toMatchObject({ kind: 'Conflict' })
    await expect(supervisor.terminateChild('unknown')).rejects.toMatchObject({
      kind: 'NotFound',
      message: 'app:workers has no child "unknown"',
    })
  })

  it('that do not start are not kept', async () => {
    const { play, supervisor } = await begun([])
    const started = supervisor.startChild(child('a'))
    ;(await play.act(1)).failToCome(new TroupeError('Unavailable', 'full'))
    await expect(started).rejects.toMatchObject({ message: 'full' })
    expect(supervisor.whichChildren()).toEqual([])
  })
})
