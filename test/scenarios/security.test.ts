import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { funcs, processes, security } from 'troupe'
import { type Application, boot } from 'troupe/app'
import { startOrigin } from '../fixtures/selection/proxy.ts'

const root = join(import.meta.dirname, '../fixtures/selection')
let app: Application

beforeAll(async () => {
  app = await boot({ root, onLog: () => undefined })
})

afterAll(async () => {
  await app.stop()
})

describe('security', () => {
  it('returns the current actor, its policies, and their decisions', async () => {
    const readers = security.newScope(['app:readers', 'app:sees', 'app:all']).without('app:all')
    expect(
      await app.run(async () => funcs.withActor(security.newActor('ann')).withScope(readers).call('app:ask')),
    ).toEqual({
      actor: 'ann',
      scope: ['app:readers', 'app:sees'],
      own: true,
      others: false,
      free: ['app:all'],
      policy: ['app:no_select', 'deny', 'deny'],
      made: 'deny',
      without: 'allow',
      unknown: 'NotFound',
    })
  })

  it('allows everything to code without policies', async () => {
    expect(await app.run(async () => funcs.call('app:ask'))).toMatchObject({
      actor: undefined,
      scope: undefined,
      own: true,
      others: true,
    })
  })
})

describe('lifecycle.security', () => {
  it('gives a service its actor and the policies of its groups', async () => {
    await app.start(app.registry.find({ kind: 'process.service' })[0]?.id ?? expect.unreachable())
    expect(await app.run(async () => processes.call('app:guarded', 'who'))).toEqual({
      actor: { id: 'keeper', meta: { role: 'keeper' } },
      scope: ['app:no_select', 'app:all'],
    })
  })
})

describe('a trace', () => {
  it('begins where it is enabled, continues in calls and requests, and is sent', async () => {
    await using origin = await startOrigin()
    const answer = await app.run(async () =>
      processes.exec('app:traced', 'app:threads', `http://127.0.0.1:${origin.port}/`),
    )
    const traceparent = expect.stringMatching(/^00-[\da-f]{32}-[\da-f]{16}-01$/) as unknown
    expect(answer).toMatchObject({ before: {}, began: traceparent, nested: { own: traceparent, sent: traceparent } })
    const ids = Array.from(JSON.stringify(answer).matchAll(/00-(\w{32})-(\w{16})-01/g))
    const traces = new Set(ids.map(([, trace]) => trace))
    const parts = new Set(ids.map(([, , part]) => part))
    expect([traces.size, parts.size]).toEqual([1, 3])
  })
})
