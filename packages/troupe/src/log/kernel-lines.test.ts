import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { processes, trace } from '../index.ts'
import { startApp, type TestApp, type WrittenEntry } from '../test/index.ts'

const root = join(import.meta.dirname, '../test/fixtures/app')
const host: WrittenEntry = { id: 'app:host', kind: 'process.host', lifecycle: { auto_start: true } }
const greeter: WrittenEntry = {
  id: 'app:greeter',
  kind: 'process.ts',
  source: 'file://src/greeter.ts',
  method: 'greeter',
}
const service: WrittenEntry = {
  id: 'app:service',
  kind: 'process.service',
  process: 'app:greeter',
  host: 'app:host',
  input: ['ear'],
  lifecycle: { auto_start: true, restart: { initial_delay: '1h' } },
}

const set = ['log.format=json']

const record = z.record(z.string(), z.unknown())

/** The records of the log that have these fields. */
function records({ log }: TestApp, wanted: Readonly<Record<string, unknown>>): readonly Record<string, unknown>[] {
  return log
    .map((line) => record.parse(JSON.parse(line)))
    .filter((fields) => Object.entries(wanted).every(([name, value]) => fields[name] === value))
}

describe('a line of the kernel', () => {
  it('about a service has its entry; about a failure, the level, the pid and the stack', async () => {
    await using app = await startApp({ root, entries: [host, greeter, service], set })
    await app.until('app:service', 'Running')
    await processes.send('app:service', 'fail', 'oops')
    await app.until('app:service', 'Failed')
    expect(records(app, { entry: 'app:service' })).toMatchObject([
      { level: 30, msg: 'Starting' },
      { level: 30, msg: 'Running' },
      {
        level: 40,
        msg: 'Failed: Error: oops',
        failures: 1,
        err: { message: 'oops', stack: expect.any(String) as unknown },
      },
    ])
    expect(records(app, { entry: 'app:greeter', level: 50 })).toEqual([
      expect.objectContaining({
        pid: expect.stringMatching(/^<\d/) as unknown,
        thread: expect.any(Number) as unknown,
        err: expect.objectContaining({
          message: 'oops',
          stack: expect.stringContaining('greeter.ts') as unknown,
        }) as unknown,
      }),
    ])
  })

  it('about work has the trace that the work belongs to', async () => {
    await using app = await startApp({ root, entries: [host, greeter], set })
    await using probe = await app.probe()
    const begun = await probe.run(async () => {
      const traceparent = trace.begin()
      const pid = await processes.spawn('app:greeter', 'app:host', 'ear')
      await processes.send(pid, 'fail', 'oops')
      return traceparent
    })
    const id = trace.parse(begun)?.traceId
    await expect.poll(() => records(app, { entry: 'app:greeter', level: 50 })).toHaveLength(1)
    const [failed] = records(app, { entry: 'app:greeter', level: 50 })
    expect(trace.parse(String(failed?.['trace']))?.traceId).toBe(id)
  })

  it('about an overlay names it, and is a warning if it does not work', async () => {
    const gone = createServer()
    await once(gone.listen(0, '127.0.0.1'), 'listening')
    const address = gone.address()
    const port = typeof address === 'object' ? address?.port : undefined
    gone.close()
    const proxy: WrittenEntry = { id: 'app:proxy', kind: 'network.socks5', host: '127.0.0.1', port }
    await using app = await startApp({ root, entries: [proxy], set })
    await expect
      .poll(() => records(app, { overlay: 'app:proxy' }))
      .toMatchObject([{ level: 40, msg: expect.stringContaining('overlay app:proxy is down') as unknown }])
  })
})
