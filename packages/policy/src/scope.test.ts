import { entryId } from '@troupe/core'
import { describe, expect, it } from 'vitest'
import { newActor } from './actor.ts'
import { compilePolicy } from './policy.ts'
import { namedScope, Scope } from './scope.ts'

describe('scopes', () => {
  it('are immutable: with and without return new ones', () => {
    const scope = new Scope(['p:a', 'p:b', 'p:a'])
    expect(scope.policies).toEqual(['p:a', 'p:b'])
    expect(scope.with('p:c', 'p:a').policies).toEqual(['p:a', 'p:b', 'p:c'])
    expect(scope.without('p:a', 'p:z').policies).toEqual(['p:b'])
    expect([scope.contains('p:a'), scope.contains('p:z')]).toEqual([true, false])
    expect(Object.isFrozen(scope) && Object.isFrozen(scope.policies)).toBe(true)
  })

  it('accept a policy as well as its id', () => {
    const policy = { id: entryId('p:a'), effect: 'allow' }
    expect(new Scope(['p:b']).with(policy).policies).toEqual(['p:b', 'p:a'])
    expect(new Scope([policy, 'p:b']).without(policy).policies).toEqual(['p:b'])
    expect([new Scope([policy]).contains(policy), new Scope().contains(policy)]).toEqual([true, false])
  })

  it('accept nothing else', () => {
    expect(() => new Scope(['admin'])).toThrow(expect.objectContaining({ kind: 'Invalid' }))
    expect(() => new Scope([{ id: 'admin' }])).toThrow(expect.objectContaining({ kind: 'Invalid' }))
  })

  it('can be named by a group', () => {
    const policy = (id: string, groups: string[]) =>
      [
        entryId(id),
        compilePolicy(entryId(id), { actions: ['*'], resources: ['*'], effect: 'allow', conditions: [], groups }),
      ] as const
    const policies = new Map([policy('p:a', ['x', 'y']), policy('p:b', ['y'])])
    expect(namedScope('y', policies).policies).toEqual(['p:a', 'p:b'])
    expect(() => namedScope('z', policies)).toThrow(expect.objectContaining({ kind: 'NotFound' }))
  })
})

describe('actors', () => {
  it('keep their meta', () => {
    const meta = { roles: ['reader'] }
    const actor = newActor('ann', meta)
    meta.roles.push('admin')
    expect(actor).toEqual({ id: 'ann', meta: { roles: ['reader'] } })
  })

  it('are refused without an id, and with values that are not plain data', () => {
    expect(() => newActor('')).toThrow(expect.objectContaining({ kind: 'Invalid' }))
    expect(() => newActor('ann', { f: () => {} })).toThrow(expect.objectContaining({ kind: 'Invalid' }))
  })
})
