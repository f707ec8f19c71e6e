import { entryId } from '@troupe/core'
import { Scope } from '@troupe/policy'
import { processes } from '@troupe/process'
import { describe, expect, it } from 'vitest'
import { functionEntry, host, processEntry, testApp } from './testing/app.ts'
import type { Operation } from './testing/permitted.ts'

const proxy = entryId('app:proxy')

type Asked = readonly [action: string, resource: string]

/** The permissions that each action of `testing/permitted.ts` requests, besides the call itself. */
const table: readonly (readonly [Operation, ...Asked[]])[] = [
  ['call'],
  ['context', ['funcs.context', 'context']],
  ['actor', ['funcs.security', 'security']],
  ['scope', ['funcs.security', 'security']],
  ['network', ['network.select', proxy]],
  ['direct', ['network.select', 'network:direct']],
]

const policyId = ([action, resource]: Asked) => `p:${`${action}_${resource}`.replaceAll(/\W/g, '_')}`

function policies(asked: readonly Asked[]) {
  const ids = new Map(asked.map((each) => [policyId(each), each]))
  return Array.from(ids, ([id, [actions, resources]]) => ({
    id: entryId(id),
    kind: 'security.policy',
    fields: { actions, resources, effect: 'allow' },
  }))
}

describe.each(['app:echo', 'app:inlineEcho'])('a call of %s in a scope', (callee) => {
  const own: Asked = ['funcs.call', callee]
  const entries = [
    { id: proxy, kind: 'network.socks5', fields: { host: '127.0.0.1', port: 9 } },
    functionEntry('echo', { max: 1 }),
    functionEntry('inlineEcho', 'inline'),
    {
      ...processEntry('permitted'),
      fields: { source: `file://${import.meta.dirname}/testing/permitted.ts`, method: 'permitted' },
    },
    ...policies([own, ...table.flatMap(([, ...asked]) => asked)]),
  ]

  it('needs the permissions of the table, and no other', async () => {
    await using app = await testApp({ entries })
    const act = async (operation: Operation, allowed: readonly Asked[]) => {
      const scope = new Scope(allowed.length === 0 ? ['p:network_select_app_proxy'] : allowed.map(policyId))
      const scoped = processes.withActor({ id: 'ann', meta: {} }).withScope(scope)
      return app.run(async () => scoped.exec('app:permitted', host, operation, callee))
    }
    for (const [operation, ...others] of table) {
      const asked = [own, ...others]
      for (const [index, [action, resource]] of asked.entries()) {
        await expect(act(operation, asked.toSpliced(index, 1))).rejects.toMatchObject({
          kind: 'PermissionDenied',
          details: { action, resource },
        })
      }
      expect([operation, await act(operation, asked)]).toEqual([operation, ['done']])
    }
    expect([...app.kernel.processes.all()].filter(({ entry }) => entry === callee)).toEqual([])
  })
})
