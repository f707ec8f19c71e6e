import { describe, expect, it } from 'vitest'
import { id, staged } from './testing/stage.ts'

describe('stopping', () => {
  it('a starting service waits for the result, and ends it', async () => {
    const { play, service, states } = staged()
    const started = service.start()
    const act = await play.act(1)
    const stopped = service.stop()
    expect(service.status.state).toBe('Stopping')
    expect(act.signal.aborted).toBe(true)
    act.comeUp()
    await act.stopping
    expect(service.status.state).toBe('Stopping')
    act.end({ value: undefined })
    await stopped
    expect(await started).toMatchObject({ state: 'Stopped' })
    expect(states.of(id)).toEqual(['Starting', 'Stopping', 'Stopped'])
  })

  it('a starting service that fails is quick', async () => {
    const { play, service } = staged()
    void service.start()
    const act = await play.act(1)
    const stopped = service.stop()
    act.failToCome(new Error('aborted'))
    await stopped
    expect(service.status).toMatchObject({ state: 'Stopped', error: undefined })
  })

  it('a service that waits for its next attempt cancels that', async () => {
    const { clock, play, service, until } = staged()
    void service.start()
    ;(await play.act(1)).failToCome(new Error('no'))
    await until('Failed')
    await service.stop()
    clock.increment(1_000_000)
    expect(service.status.state).toBe('Stopped')
    expect(play.acts).toHaveLength(1)
  })

  it('waits, then terminates, then gives up', async () => {
    const { clock, play, service } = staged({ stopTimeout: '3s' })
    const started = service.start()
    const act = await play.act(1)
    act.comeUp()
    await started
    const stopped = service.stop()
    const hurry = await act.stopping
    clock.increment(2_999)
    expect(hurry.aborted).toBe(false)
    clock.increment(1)
    expect(hurry.aborted).toBe(true)
    expect(service.status.state).toBe('Stopping')
    clock.increment(5_000)
    await stopped
    expect(service.status).toMatchObject({ state: 'Stopped', error: { kind: 'Timeout' } })
  })

  it('that fails leaves it stopped, with the reason', async () => {
    const { play, service } = staged()
    const started = service.start()
    const act = await play.act(1)
    act.comeUp()
    await started
    const stopped = service.stop()
    await act.stopping
    act.failToStop(new Error('it would not'))
    await stopped
    expect(service.status).toMatchObject({ state: 'Stopped', error: { message: 'it would not' } })
  })

  it('a service that is started again meanwhile starts afterwards', async () => {
    const { play, service, states } = staged()
    const started = service.start()
    const act = await play.act(1)
    act.comeUp()
    await started
    const stopped = service.stop()
    const again = service.start()
    act.end({ value: undefined })
    await stopped
    ;(await play.act(2)).comeUp()
    expect(await again).toMatchObject({ state: 'Running' })
    expect(states.of(id)).toEqual(['Starting', 'Running', 'Stopping', 'Stopped', 'Starting', 'Running'])
  })

  it('a service that never ran, or that exited, is quick', async () => {
    const { service, states } = staged()
    await service.stop()
    expect(service.status.state).toBe('Unknown')
    expect(states.seen).toEqual([])
  })
})
