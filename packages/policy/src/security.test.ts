import { emptyFrame, type EntryId, entryId, fork, TroupeError } from '@troupe/core'
import { describe, expect, it } from 'vitest'
import { newActor } from './actor.ts'
import { checkBinding, checkSelection } from './network-actions.ts'
import { denialError, Security } from './security.ts'
import type { Policies } from './policy.ts'
import { maxName } from './limits.ts'
import { policySet, type SomeFields } from './testing/policies.ts'

const proxy = entryId('app:proxy')
const actor = newActor('ann', { role: 'reader' })
const policies = policySet({
  'p:net': { actions: ['network.*'], resources: ['app:*'] },
  'p:direct': { actions: ['network.select'], resources: ['network:direct'] },
  'p:no_proxy': { resources: ['app:proxy'], effect: 'deny' },
  'p:editors': { conditions: [{ field: 'actor.meta.role', operator: 'eq', value: 'editor' }] },
  'p:readers': { expression: 'actor.meta.role == "reader"' },
  'p:failing_allow': { expression: 'actor.meta.absent == 1' },
  'p:failing_deny': { expression: 'actor.meta.absent == 1', effect: 'deny' },
})
const security = (strictMode = false) => new Security({ policies, strictMode, log: () => undefined })
const frame = (...scope: string[]) => fork(emptyFrame, { actor, scope: scope.map((id) => entryId(id)) })
const select = (overlay: EntryId | null, scope: string[]) =>
  security().decide(frame(...scope), 'network.select', overlay ?? 'network:direct')
const refused = (action: () => void) => {
  try {
    action()
    return undefined
  } catch (error) {
    return error
  }
}

describe('network.select', () => {
  it('is allowed by a policy that allows it', () => {
    expect(select(proxy, ['p:net'])).toBe('allow')
    expect(select(null, ['p:direct'])).toBe('allow')
    expect(select(null, ['p:readers'])).toBe('allow')
  })

  it.each([
    [proxy, [], 'no policy of the scope allows it to ann'],
    [proxy, ['p:direct'], 'no policy of the scope allows it to ann'],
    [null, ['p:net'], 'no policy of the scope allows it to ann'],
    [proxy, ['p:editors'], 'no policy of the scope allows it to ann'],
    [proxy, ['p:failing_allow'], 'no policy of the scope allows it to ann'],
    [proxy, ['p:net', 'p:failing_deny'], 'the policy p:failing_deny denies it to ann'],
    [proxy, ['p:net', 'p:no_proxy'], 'the policy p:no_proxy denies it to ann'],
    [proxy, ['p:no_proxy', 'p:net'], 'the policy p:no_proxy denies it to ann'],
    [proxy, ['p:net', 'p:gone'], 'the policy p:gone of the scope does not exist'],
  ])('of %s in the scope %j is denied: %s', (overlay, scope, reason) => {
    expect(select(overlay, scope)).toMatchObject({
      action: 'network.select',
      resource: overlay ?? 'network:direct',
      reason,
    })
    expect(refused(() => checkSelection(security(), frame(...scope), overlay))).toMatchObject({
      kind: 'PermissionDenied',
    })
  })

  it.each([
    [['p:net'], 'allow', 'the policy p:net allows it'],
    [['p:net', 'p:no_proxy'], 'deny', 'the policy p:no_proxy denies it to ann'],
    [[], 'deny', 'no policy of the scope allows it to ann'],
  ])('is explained by the scope %j: %s, %s', (scope, verdict, reason) => {
    const ids = scope.map((id) => entryId(id))
    expect(security().explain(ids, actor, 'network.select', proxy)).toMatchObject({ verdict, reason })
  })

  it('is explained without actor or scope, as strict mode is', () => {
    expect(security(false).explain(undefined, actor, 'network.select', proxy)).toMatchObject({
      verdict: 'allow',
      reason: 'there is no actor or no scope, and security.strict_mode is off',
      policies: [],
    })
    expect(security(true).explain(undefined, actor, 'network.select', proxy)).toMatchObject({
      verdict: 'deny',
      reason: 'there is no scope, and security.strict_mode is on',
    })
  })

  it('follows strict mode if actor or scope is missing', () => {
    for (const change of [{}, { actor }, { scope: [] }]) {
      const without = fork(emptyFrame, change)
      expect(security(false).decide(without, 'network.select', proxy)).toBe('allow')
      expect(security(true).decide(without, 'network.select', proxy)).toMatchObject({
        reason: expect.stringMatching(/no (actor|scope)/) as string,
      })
    }
  })

  it('is never denied to the program that holds the kernel', () => {
    const strict = security(true)
    const trusted = fork(emptyFrame, {})
    strict.trust(trusted)
    expect([strict.governs(trusted), strict.governs(emptyFrame), strict.governs(frame())]).toEqual([false, true, true])
    expect(strict.decide(trusted, 'network.select', proxy)).toBe('allow')
  })

  it('is never denied to a trusted frame, however many there are, but to each fork of one', () => {
    const strict = security(true)
    const trusted = [fork(emptyFrame, {}), fork(emptyFrame, { overlay: proxy })]
    for (const each of trusted) strict.trust(each)
    for (const each of trusted) {
      expect(strict.governs(each)).toBe(false)
      expect(strict.decide(each, 'network.select', proxy)).toBe('allow')
      for (const child of [fork(each, {}), fork(each, { actor }), fork(each, { scope: [] })]) {
        expect(strict.governs(child)).toBe(true)
        expect(strict.decide(child, 'network.select', proxy)).toMatchObject({ action: 'network.select' })
      }
      // An actor with a scope is governed by that, also where its frame is trusted.
      const acting = fork(each, { actor, scope: [] })
      strict.trust(acting)
      expect(strict.governs(acting)).toBe(true)
      expect(strict.decide(acting, 'network.select', proxy)).toMatchObject({ action: 'network.select' })
    }
  })
})

it('network.bind is decided by the same policies', () => {
  expect(refused(() => checkBinding(security(), frame('p:net'), proxy))).toBeUndefined()
  expect(refused(() => checkBinding(security(), frame('p:direct'), proxy))).toMatchObject({
    details: { action: 'network.bind', resource: proxy },
  })
})

it('a denial becomes an error with action and reason', () => {
  const decision = select(proxy, ['p:no_proxy'])
  expect(decision).not.toBe('allow')
  const error = decision === 'allow' ? undefined : denialError(decision)
  expect(error).toBeInstanceOf(TroupeError)
  expect(error).toMatchObject({
    kind: 'PermissionDenied',
    details: { action: 'network.select', resource: proxy, policy: 'p:no_proxy' },
  })
})

describe('replaced policies', () => {
  it('apply from the next decision on', () => {
    const live = security()
    const asked = frame('p:net')
    expect(live.decide(asked, 'network.select', proxy)).toBe('allow')
    const before = live.generation
    live.replace(policySet({ 'p:net': { effect: 'deny' } }))
    expect(live.decide(asked, 'network.select', proxy)).toMatchObject({ policy: 'p:net' })
    live.replace(policySet({}))
    expect(live.decide(asked, 'network.select', proxy)).toMatchObject({
      reason: 'the policy p:net of the scope does not exist',
    })
    expect(live.generation).toBe(before + 2)
  })
})

describe('decisions requested by code', () => {
  it('follow the same rules', () => {
    const ask = (scope: string[], action: string, meta = {}) =>
      security().evaluate(
        scope.map((id) => entryId(id)),
        actor,
        action,
        'app:proxy',
        meta,
      )
    expect(ask(['p:net'], 'network.select')).toBe('allow')
    expect(ask(['p:net'], 'document.read')).toBe('undefined')
    expect(ask(['p:net', 'p:no_proxy'], 'network.select')).toBe('deny')
    expect(ask(['p:gone'], 'network.select')).toBe('deny')
  })

  it('are refused when their attributes are too large', () => {
    expect(refused(() => security().evaluate([], actor, 'a', 'r', { list: 'x'.repeat(5000) }))).toMatchObject({
      kind: 'Invalid',
    })
    expect(refused(() => security().evaluate([], actor, 'a'.repeat(5000), 'r'))).toMatchObject({ kind: 'Invalid' })
  })
})

describe('a decision', () => {
  const many = (fields: SomeFields) =>
    policySet(
      Object.fromEntries(
        Array.from({ length: 1000 }, (_, at) => [
          `p:p${at}`,
          { ...fields, ...(fields.resources && { resources: fields.resources.map((one) => `${one}r${at}*`) }) },
        ]),
      ),
    )
  const decide = (given: Policies, resource: string, meta = {}) =>
    new Security({ policies: given, strictMode: false, log: () => undefined }).decide(
      frame(...given.keys()),
      'document.read',
      resource,
      meta,
    )
  const costly = { reason: expect.stringMatching(/cost more/) as string }
  const list = Array.from({ length: 250 }, () => '')

  it.each<[string, SomeFields]>([
    ['expressions', { expression: 'meta.l.exists(x, x in actor.meta.l)' }],
    ['regular expressions', { conditions: [{ field: 'resource', operator: 'matches', value: '(r*q*)*[rq]{20}x$' }] }],
    ['structures', { conditions: [{ field: 'meta.l', operator: 'eq', value: [...list, 1] }] }],
    ['patterns of resources', { resources: [`*${'r'.repeat(400)}q${'r'.repeat(400)}*`] }],
  ])('that a thousand policies would prolong by their %s is a denial', (_what, fields) => {
    const resource = 'r'.repeat(maxName)
    const meta = { l: list }
    expect(decide(many(fields), resource, meta)).toMatchObject(costly)
    expect(decide(many({ ...fields, effect: 'deny' }), resource, meta)).toMatchObject(costly)
    // Each decision has its own budget.
    expect(decide(policySet({ 'p:any': {} }), resource, meta)).toBe('allow')
  })

  it('is made by a thousand ordinary ones', () => {
    const ordinary = many({ expression: 'meta.owner == actor.id' })
    expect(decide(ordinary, 'd1', { owner: 'bob' })).toMatchObject({
      reason: 'no policy of the scope allows it to ann',
    })
    expect(decide(ordinary, 'd1', { owner: 'ann' })).toBe('allow')
  })

  it('on attributes that are too large is a denial', () => {
    expect(decide(policySet({ 'p:any': {} }), 'd1', { text: 'x'.repeat(5000) })).toMatchObject(costly)
  })
})
