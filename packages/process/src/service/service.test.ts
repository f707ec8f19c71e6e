import { TroupeError } from '@troupe/core'
import { describe, expect, it } from 'vitest'
import { id, staged } from '../supervisor/testing/stage.ts'

const crash = { error: new TroupeError('Unknown', 'it crashed') }

describe('a service', () => {
  it('starts, runs and stops', async () => {
    const { play, service, states } = staged()
    const started = service.start()
    const act = await play.act(1)
    act.comeUp()
    expect(await started).toMatchObject({ state: 'Running', attempts: 0, error: undefined })
    const stopped = service.stop()
    expect((await act.stopping).aborted).toBe(false)
    expect(service.status.state).toBe('Stopping')
    act.end({ value: undefined })
    await stopped
    expect(states.of(id)).toEqual(['Starting', 'Running', 'Stopping', 'Stopped'])
  })

  it('is not started again while it runs', async () => {
    const { play, service } = staged()
    const started = service.start()
    ;(await play.act(1)).comeUp()
    await started
    expect(await service.start()).toMatchObject({ state: 'Running' })
    expect(play.acts).toHaveLength(1)
  })

  it('that returns has exited, and can be started again', async () => {
    const { play, service, until } = staged()
    void service.start()
    const act = await play.act(1)
    act.comeUp()
    await until('Running')
    act.end({ value: 'done' })
    await until('Exited')
    expect(service.status).toMatchObject({ attempts: 0, error: undefined })
    const again = service.start()
    ;(await play.act(2)).comeUp()
    expect(await again).toMatchObject({ state: 'Running' })
  })

  it('restarts with growing delays, up to the maximum', async () => {
    const { clock, play, service, until } = staged()
    void service.start()
    for (const [index, delay] of [1_000, 2_000, 4_000, 4_000].entries()) {
      ;(await play.act(index + 1)).failToCome(new TroupeError('Unavailable', 'not now'))
      await until('Failed', index + 1)
      expect(service.status.attempts).toBe(index + 1)
      clock.increment(delay - 1)
      expect(service.status.state).toBe('Failed')
      clock.increment(1)
      expect(service.status.state).toBe('Starting')
    }
  })

  it('resets its attempts once it has run for its stable threshold, not before', async () => {
    const { clock, play, service, until } = staged({ stableThreshold: '5s' })
    void service.start()
    for (const turn of [1, 2]) {
      const act = await play.act(turn)
      act.comeUp()
      await until('Running', turn)
      clock.increment(4_999)
      act.end(crash)
      await until('Failed', turn)
      expect(service.status).toMatchObject({ attempts: turn, error: crash.error })
      clock.increment(4_000)
    }
    const third = await play.act(3)
    third.comeUp()
    await until('Running', 3)
    clock.increment(5_000)
    expect(service.status.attempts).toBe(0)
    third.end(crash)
    await until('Failed', 3)
    expect(service.status.attempts).toBe(1)
  })

  it('fails permanently on a final error, and after its last attempt', async () => {
    const final = staged()
    const started = final.service.start()
    ;(await final.play.act(1)).failToCome(new TroupeError('PermissionDenied', 'never', { retryable: false }))
    expect(await started).toMatchObject({ state: 'Exited', attempts: 1, error: { kind: 'PermissionDenied' } })

    const last = staged({ restart: { maxAttempts: 2 } })
    void last.service.start()
    ;(await last.play.act(1)).failToCome(new Error('no'))
    await last.until('Failed')
    last.service.wake()
    ;(await last.play.act(2)).failToCome(new Error('no'))
    await last.until('Exited')
    expect(last.service.status).toMatchObject({ attempts: 2, error: { message: 'no' } })
  })

  it('that failed permanently has all its attempts again after an explicit start', async () => {
    const { play, service, until } = staged({ restart: { maxAttempts: 2 } })
    void service.start()
    for (const number of [1, 2]) {
      ;(await play.act(number)).failToCome(new Error('no'))
      await until(number === 1 ? 'Failed' : 'Exited')
      service.wake()
    }
    ;(await play.act(3)).failToCome(new Error('no'))
    await until('Failed', 2)
    expect(service.status.attempts).toBe(1)
  })

  it('starts at once on request, whatever its delay', async () => {
    const { play, service, until } = staged()
    void service.start()
    ;(await play.act(1)).failToCome(new Error('no'))
    await until('Failed')
    const again = service.start()
    ;(await play.act(2)).comeUp()
    expect(await again).toMatchObject({ state: 'Running' })
  })
})

describe('a start that takes too long', () => {
  it('has failed, and a late result is stopped before the next attempt', async () => {
    const { clock, play, service, until } = staged({ startTimeout: '3s' })
    const started = service.start()
    const late = await play.act(1)
    clock.increment(3_000)
    expect(await started).toMatchObject({
      state: 'Failed',
      attempts: 1,
      error: { kind: 'Timeout', message: 'it did not start in 3000 ms' },
    })
    expect(late.signal.aborted).toBe(true)
    clock.increment(1_000)
    await until('Starting', 2)
    late.comeUp()
    expect((await late.stopping).aborted).toBe(true)
    expect(play.acts).toHaveLength(1)
    late.end({ value: undefined })
    ;(await play.act(2)).comeUp()
    await until('Running')
  })

  it('counts as an attempt', async () => {
    const { clock, play, service } = staged({ startTimeout: '3s', restart: { maxAttempts: 1 } })
    const started = service.start()
    await play.act(1)
    clock.increment(3_000)
    expect(await started).toMatchObject({ state: 'Exited', error: { kind: 'Timeout' } })
  })
})

describe('a service whose need is down', () => {
  it('fails without an attempt, has no timer, and starts when it is woken', async () => {
    let need: TroupeError | undefined = new TroupeError('Unavailable', 'it needs app:host, which is Failed')
    const { clock, play, service } = staged({ restart: { maxAttempts: 1 } }, () => need)
    expect(await service.start()).toMatchObject({ state: 'Failed', attempts: 0, error: need })
    expect(service.isBlocked).toBe(true)
    clock.increment(1_000_000)
    expect(play.acts).toHaveLength(0)
    need = undefined
    service.wake()
    ;(await play.act(1)).comeUp()
    expect(await service.start()).toMatchObject({ state: 'Running', error: undefined })
    expect(service.isBlocked).toBe(false)
  })

  it('whose next attempt is due, waits for the need', async () => {
    const down: TroupeError[] = []
    const { clock, play, service, until } = staged({}, () => down[0])
    void service.start()
    ;(await play.act(1)).failToCome(new Error('no'))
    await until('Failed')
    down.push(new TroupeError('Unavailable', 'it needs app:host, which is Stopped'))
    clock.increment(1_000)
    expect(service.status).toMatchObject({ state: 'Failed', attempts: 1, error: down[0] })
    expect(service.isBlocked).toBe(true)
  })
})

describe('a closed service', () => {
  it('releases its waiters, and does not start again', async () => {
    const { clock, play, service, until } = staged()
    const started = service.start()
    ;(await play.act(1)).failToCome(new Error('no'))
    await until('Failed')
    await started
    service.close()
    clock.increment(1_000_000)
    expect(await service.start()).toMatchObject({ state: 'Failed' })
    await service.stop()
    expect(play.acts).toHaveLength(1)
  })
})
