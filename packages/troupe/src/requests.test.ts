import { entryId } from '@troupe/core'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { boot } from './app.ts'
import { startApp } from './test/index.ts'
import { processes } from './index.ts'
import { requestRules } from './testing/hostile/known-requests.ts'

const canSeal = process.allowedNodeEnvironmentFlags.has('--allow-net')

describe('the requests of threads', () => {
  it('have a handler each, and each handler has a rule', async () => {
    await using app = await boot({ root: join(import.meta.dirname, 'testing/hostile'), entries: [] })
    expect(app.kernel.handled.toSorted()).toEqual(Object.keys(requestRules).toSorted())
  })

  it('may each be sent by someone', () => {
    for (const [name, { by }] of Object.entries(requestRules)) expect([name, by.length > 0]).toEqual([name, true])
  })
})

it.runIf(canSeal)('code in a sealed host does not change or read the registry, nor make or revoke tokens', async () => {
  await using _ = await startApp({
    root: join(import.meta.dirname, 'testing/hostile'),
    entries: [
      {
        id: 'app:sealed',
        kind: 'process.host',
        host: { network: 'sealed', spares: 0 },
        lifecycle: { auto_start: true },
      },
      { id: 'app:change', kind: 'process.ts', source: 'file://identity.ts', method: 'changeRegistry' },
    ],
  })
  expect(await processes.exec('app:change', entryId('app:sealed'))).toEqual({
    apply: 'PermissionDenied',
    rollback: 'PermissionDenied',
    history: 'PermissionDenied',
    createToken: 'PermissionDenied',
    revokeToken: 'PermissionDenied',
  })
})
