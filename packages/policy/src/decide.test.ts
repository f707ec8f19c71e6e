import { emptyFrame, type EntryId, entryId, fork, TroupeError } from '@troupe/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { newActor } from './actor.ts'
import { decide, denialError, evaluate } from './decide.ts'
import { decideBinding, decideSelection } from './network-gate.ts'
import { compilePolicy, type Policies, type PolicyFields } from './policy.ts'

const proxy = entryId('app:proxy')
const actor = newActor('ann', { role: 'reader' })
const fields = (given: Partial<PolicyFields>): PolicyFields => ({
  actions: ['*'],
  resources: ['*'],
  effect: 'allow',
  conditions: [],
  groups: [],
  ...given,
})
const setOf = (given: Record<string, Partial<PolicyFields>>): Policies =>
  new Map(Object.entries(given).map(([id, each]) => [entryId(id), compilePolicy(entryId(id), fields(each))]))

const policies = setOf({
  'p:net': { actions: ['network.*'], resources: ['app:*'] },
  'p:direct': { actions: ['network.select'], resources: ['network:direct'] },
  'p:no_proxy': { resources: ['app:proxy'], effect: 'deny' },
  'p:editors': { conditions: [{ field: 'actor.meta.role', operator: 'eq', value: 'editor' }] },
})
const frame = (...scope: string[]) => fork(emptyFrame, { actor, scope: scope.map((id) => entryId(id)) })
const select = (overlay: EntryId | null, scope: string[]) =>
  decideSelection({ frame: frame(...scope), overlay, policies, strictMode: false })

describe('network.select', () => {
  it('is allowed by a policy that allows it', () => {
    expect(select(proxy, ['p:net'])).toBe('allow')
    expect(select(null, ['p:direct'])).toBe('allow')
  })

  it.each([
    [proxy, [], 'no policy of the scope allows it to ann'],
    [proxy, ['p:direct'], 'no policy of the scope allows it to ann'],
    [null, ['p:net'], 'no policy of the scope allows it to ann'],
    [proxy, ['p:editors'], 'no policy of the scope allows it to ann'],
    [proxy, ['p:net', 'p:no_proxy'], 'the policy p:no_proxy denies it to ann'],
    [proxy, ['p:no_proxy', 'p:net'], 'the policy p:no_proxy denies it to ann'],
    [proxy, ['p:net', 'p:gone'], 'the policy p:gone of the scope does not exist'],
  ])('of %s in the scope %j is denied: %s', (overlay, scope, reason) => {
    expect(select(overlay, scope)).toMatchObject({ action: 'network.select', resource: overlay ?? 'network:direct', reason })
  })

  it('is what strict mode says where actor or scope is missing', () => {
    for (const change of [{}, { actor }, { scope: [] }]) {
      const question = { frame: fork(emptyFrame, change), overlay: proxy, policies }
      expect(decideSelection({ ...question, strictMode: false })).toBe('allow')
      expect(decideSelection({ ...question, strictMode: true })).toMatchObject({
        reason: expect.stringMatching(/no (actor|scope)/) as string,
      })
    }
  })
})

it('network.bind is asked of the same policies', () => {
  const question = { overlay: proxy, policies, strictMode: false }
  expect(decideBinding({ ...question, frame: frame('p:net') })).toBe('allow')
  expect(decideBinding({ ...question, frame: frame('p:direct') })).toMatchObject({ action: 'network.bind', resource: proxy })
})

it('a denial becomes an error that says what and why', () => {
  const decision = select(proxy, ['p:no_proxy'])
  expect(decision).not.toBe('allow')
  const error = decision === 'allow' ? undefined : denialError(decision)
  expect(error).toBeInstanceOf(TroupeError)
  expect(error).toMatchObject({ kind: 'PermissionDenied', details: { action: 'network.select', resource: proxy, policy: 'p:no_proxy' } })
})

describe('evaluation', () => {
  const word = fc.constantFrom('a', 'b', 'ab', 'b.a', 'a.b')
  const pattern = fc.constantFrom('*', 'a', 'a*', '*b', 'a*b', 'b.*')
  const condition = fc.constantFrom(
    { field: 'actor.meta.role', operator: 'eq', value: 'reader' } as const,
    { field: 'actor.meta.role', operator: 'ne', value: 'reader' } as const,
    { field: 'meta.size', operator: 'lte', value: 3 } as const,
    { field: 'resource', operator: 'matches', value: '^a.*b$' } as const,
    { field: 'meta.owner', operator: 'eq', valueFrom: 'actor.id' } as const,
  )
  const policy = fc.record({
    actions: fc.array(pattern, { minLength: 1, maxLength: 2 }),
    resources: fc.array(pattern, { minLength: 1, maxLength: 2 }),
    effect: fc.constantFrom('allow', 'deny'),
    conditions: fc.array(condition, { maxLength: 2 }),
    groups: fc.constant([]),
  }) satisfies fc.Arbitrary<PolicyFields>
  const meta = fc.record({ size: fc.integer({ min: 0, max: 6 }), owner: fc.constantFrom('ann', 'bob') }, { requiredKeys: [] })

  it('is what a plain reading of the rules says', () => {
    fc.assert(
      fc.property(fc.array(policy, { maxLength: 5 }), word, word, meta, fc.boolean(), (list, action, resource, meta, strictMode) => {
        const policies = setOf(Object.fromEntries(list.map((each, index) => [`p:n${index}`, each])))
        const scope = Array.from(policies.keys())
        const expected = plainly(list, action, resource, meta)
        expect(evaluate(scope, policies, actor, action, resource, meta)).toBe(expected)
        const decision = decide(fork(emptyFrame, { actor, scope }), action, resource, { policies, strictMode }, meta)
        expect(decision === 'allow').toBe(expected === 'allow')
      }),
      { numRuns: 1000 },
    )
  })

  function plainly(list: readonly PolicyFields[], action: string, resource: string, meta: { size?: number; owner?: string }) {
    const covers = (patterns: readonly string[], text: string) =>
      patterns.some((pattern) =>
        new RegExp(
          `^${pattern
            .split('*')
            .map((part) => RegExp.escape(part))
            .join('.*')}$`,
        ).test(text),
      )
    const holds = ({ field, operator, value }: PolicyFields['conditions'][number]) => {
      if (field === 'actor.meta.role') return operator === 'eq' ? value === 'reader' : value !== 'reader'
      if (field === 'meta.size') return meta.size !== undefined && meta.size <= 3
      if (field === 'meta.owner') return meta.owner === 'ann'
      return /^a.*b$/.test(resource)
    }
    const said = list.filter((each) => covers(each.actions, action) && covers(each.resources, resource) && each.conditions.every(holds))
    if (said.some(({ effect }) => effect === 'deny')) return 'deny'
    return said.length > 0 ? 'allow' : 'undefined'
  }
})
