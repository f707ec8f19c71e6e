import { type EntryId, entryId } from '@troupe/core'
import { type EntryInput, Registry } from '@troupe/registry'
import { describe, expect, it } from 'vitest'
import { newActor } from './actor.ts'
import { compilePolicy, securityPolicy } from './policy.ts'

const id: EntryId = entryId('app:policy')

/** The entry as the registry decodes it, spelt as YAML spells it. */
function registryWith(fields: EntryInput['fields'] = {}): Registry {
  const registry = new Registry({ kinds: [securityPolicy] })
  registry.add({ id, kind: 'security.policy', fields })
  return registry
}

describe('security.policy', () => {
  it('is decoded and compiled', () => {
    const registry = registryWith({
      actions: 'network.*',
      resources: ['app:proxy', 'app:tor_*'],
      effect: 'allow',
      conditions: [{ field: 'meta.owner', operator: 'eq', value_from: 'actor.id' }],
      groups: ['browsing'],
    })
    expect(registry.check()).toEqual([])
    const policy = compilePolicy(id, registry.decode(id, securityPolicy).fields)
    expect(policy).toMatchObject({ id, effect: 'allow', groups: ['browsing'] })
    const applies = (action: string, resource: string, owner: string) => policy.applies(newActor('ann'), action, resource, { owner })
    expect(applies('network.select', 'app:tor_1', 'ann')).toBe(true)
    expect(applies('network.select', 'app:tor_1', 'bob')).toBe(false)
    expect(applies('network.select', 'app:other', 'ann')).toBe(false)
    expect(applies('process.spawn', 'app:proxy', 'ann')).toBe(false)
  })

  it.each([
    ['effect', { actions: '*', resources: '*', effect: 'permit' }],
    ['actions', { actions: [], resources: '*', effect: 'deny' }],
    ['resources', { actions: '*', effect: 'deny' }],
    [
      'conditions[0].value',
      { actions: '*', resources: '*', effect: 'deny', conditions: [{ field: 'action', operator: 'matches', value: '(' }] },
    ],
    ['conditions[0].operater', { actions: '*', resources: '*', effect: 'deny', conditions: [{ field: 'action', operater: 'exists' }] }],
    ['groups[0]', { actions: '*', resources: '*', effect: 'deny', groups: [''] }],
  ])('says that %s is wrong', (path, fields) => {
    expect(
      registryWith(fields)
        .check()
        .map((problem) => problem.path),
    ).toContain(path)
  })
})
