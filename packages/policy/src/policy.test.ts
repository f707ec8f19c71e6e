import { type EntryId, entryId } from '@troupe/core'
import { type EntryInput, Registry } from '@troupe/registry'
import { describe, expect, it } from 'vitest'
import { newActor } from './actor.ts'
import { compilePolicies, compilePolicy, policyKinds, securityExpression, securityPolicy } from './policy.ts'

const id: EntryId = entryId('app:policy')

/** The entry as the registry decodes it, spelt as in YAML. */
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
    const applies = (action: string, resource: string, owner: string) =>
      policy.actions.match(action) &&
      policy.resources.match(resource) &&
      policy.holds(newActor('ann'), action, resource, { owner })
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
      {
        actions: '*',
        resources: '*',
        effect: 'deny',
        conditions: [{ field: 'action', operator: 'matches', value: '(' }],
      },
    ],
    [
      'conditions[0].operater',
      { actions: '*', resources: '*', effect: 'deny', conditions: [{ field: 'action', operater: 'exists' }] },
    ],
    ['groups[0]', { actions: '*', resources: '*', effect: 'deny', groups: [''] }],
  ])('reports that %s is wrong', (path, fields) => {
    expect(
      registryWith(fields)
        .check()
        .map((problem) => problem.path),
    ).toContain(path)
  })
})

describe('security.policy.expr', () => {
  const fields = { actions: 'document.*', resources: '*', effect: 'allow' }
  const registryOf = (expression: unknown) => {
    const registry = new Registry({ kinds: policyKinds })
    registry.add({ id, kind: securityExpression.kind, fields: { ...fields, expression } })
    return registry
  }

  it('is decoded and compiled', () => {
    const registry = registryOf('meta.owner == actor.id')
    expect(registry.check()).toEqual([])
    const policy = compilePolicies(registry).get(id)
    const holds = (meta: Record<string, unknown>) => policy?.holds(newActor('ann'), 'document.read', 'd', meta)
    expect([holds({ owner: 'ann' }), holds({ owner: 'bob' }), holds({})]).toEqual([true, false, false])
  })

  it.each([undefined, 1, 'meta.owner ==', 'resource.matches("(")', 'size(meta)'])(
    '%s is refused, with its position',
    (expression) => {
      expect(
        registryOf(expression)
          .check()
          .map((problem) => problem.path),
      ).toEqual(['expression'])
    },
  )
})
