import { emptyFrame, entryId, fork } from '@troupe/core'
import { newActor } from '@troupe/policy'
import { expect, it } from 'vitest'
import { GrantValidity } from './grant-validity.ts'

const proxy = entryId('net:proxy')

it('a grant is that of one actor: data that JSON shows alike, or not at all, keeps actors apart', () => {
  const policies = { generation: 1 }
  const validity = new GrantValidity({
    get generation() {
      return policies.generation
    },
    governs: () => true,
    allows: ({ actor }) => actor?.meta['roles'] instanceof Set && actor.meta['roles'].has('admin'),
  })
  const grantOf = (roles: unknown) =>
    validity.of(fork(emptyFrame, { actor: newActor('ann', { roles }), scope: [] }), proxy)
  const [admin, other, same, big] = [new Set(['admin']), new Set(), new Set(['admin']), 1n].map(grantOf)
  expect(same).toBe(admin)
  policies.generation = 2
  expect([admin, other, big].map((grant) => grant?.isValid)).toEqual([true, false, false])
})
