import { describe, expect, it } from 'vitest'
import { processes } from '../api/processes.ts'
import { id, startApplication } from './testing/application.ts'
import { watch } from './testing/watch.ts'

const quick = { restart: { initial_delay: '1ms', jitter: 0 } }

describe('process.service', () => {
  it('runs under its name with its arguments, and stops in order', async () => {
    await using app = await startApplication({
      worker: {
        kind: 'process.service',
        process: 'child',
        host: 'host',
        input: [1, 'two'],
        lifecycle: { auto_start: true },
      },
    })
    expect(await processes.call('app:worker', 'hello', 'there')).toMatchObject({ args: [1, 'two'], got: 'there' })
    const pid = await processes.names.lookup('app:worker')
    const worker = await watch('app:worker')
    await app.supervisor.stop(id('worker'))
    expect(await worker.exit).toEqual({ value: 'stopped' })
    await expect(processes.send(String(pid), 'x')).rejects.toMatchObject({ kind: 'NotFound' })
    expect(app.states.of(id('worker'))).toEqual(['Starting', 'Running', 'Stopping', 'Stopped'])
  })

  it('restarts when it failed, not when it returned', async () => {
    await using app = await startApplication({
      worker: {
        kind: 'process.service',
        process: 'child',
        host: 'host',
        name: 'bob',
        lifecycle: { auto_start: true, ...quick },
      },
    })
    const first = await processes.names.lookup('bob')
    await processes.send('bob', 'fail', 'oops')
    await app.states.until(id('worker'), 'Running', 2)
    const second = await processes.names.lookup('bob')
    expect(second).not.toBe(first)
    await processes.send('bob', 'end')
    await app.states.until(id('worker'), 'Exited')
    expect(app.states.of(id('worker'))).toEqual(['Starting', 'Running', 'Failed', 'Starting', 'Running', 'Exited'])
    expect(app.log).toContain('Failed')
  })

  it('that does not stop is terminated after its stop_timeout', async () => {
    await using app = await startApplication({
      worker: {
        kind: 'process.service',
        process: 'stubborn',
        host: 'host',
        lifecycle: { auto_start: true, stop_timeout: '50ms' },
      },
    })
    const worker = await watch('app:worker')
    await app.supervisor.stop(id('worker'))
    expect(await worker.exit).toMatchObject({ error: { kind: 'Canceled' } })
    expect(app.supervisor.status(id('worker')).state).toBe('Stopped')
  })

  it('stops before its host and starts after it', async () => {
    await using app = await startApplication({
      worker: { kind: 'process.service', process: 'child', host: 'host', lifecycle: { auto_start: true } },
    })
    await app.supervisor.stop(id('host'))
    await expect(processes.spawn('app:child', 'app:host')).rejects.toMatchObject({ kind: 'Unavailable' })
    await app.supervisor.start(id('worker'))
    expect(app.states.seen.slice(4)).toEqual([
      'app:worker Stopping',
      'app:worker Stopped',
      'app:host Stopping',
      'app:host Stopped',
      'app:host Starting',
      'app:host Running',
      'app:worker Starting',
      'app:worker Running',
    ])
  })

  it('leaves no thread when the application stops, in any state', async () => {
    const app = await startApplication({
      worker: { kind: 'process.service', process: 'child', host: 'host', lifecycle: { auto_start: true } },
      other: {
        kind: 'process.service',
        process: 'stubborn',
        host: 'host',
        lifecycle: { auto_start: true, stop_timeout: '1ms' },
      },
    })
    const again = app.supervisor
      .stop(id('worker'))
      .then(async () => app.supervisor.start(id('worker')).catch(() => undefined))
    await app[Symbol.asyncDispose]()
    await again
    expect(app.kernel.processes.size).toBe(1)
  })
})
