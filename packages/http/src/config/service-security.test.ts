/** Policies of a service without an actor would never apply, so such a service is refused when it is loaded. */
import { entryId } from '@troupe/core'
import { processKinds } from '@troupe/process/kernel'
import { Registry } from '@troupe/registry'
import { expect, it } from 'vitest'
import { httpServiceKind } from './service-kind.ts'

const kinds: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'process.service': { process: 'app:p', host: 'app:h' },
  'process.supervisor': {},
  'http.service': { addr: ':80' },
}
const actor = { id: 'ann' }

function loaded(kind: string, security: object, more: object = {}) {
  const registry = new Registry({ kinds: [...processKinds, httpServiceKind] })
  const id = entryId('app:s')
  registry.add({ id, kind, fields: { ...kinds[kind], ...more, lifecycle: { security } } })
  return registry.decode(id).fields['lifecycle']
}

it.each(Object.keys(kinds))('%s with policies needs an actor', (kind) => {
  const reason = 'lifecycle.security.actor: policies apply only to an actor'
  expect(() => loaded(kind, { groups: ['locked'] })).toThrow(reason)
  expect(() => loaded(kind, { policies: ['app:locked'] })).toThrow(reason)
  for (const sound of [{}, { actor }, { actor, groups: ['locked'] }]) expect(loaded(kind, sound)).toBeDefined()
})

it('an http.service whose actors are its callers needs none', () => {
  const identity = { network: 'app:tailnet', identity: 'tailscale' }
  expect(loaded('http.service', { groups: ['locked'] }, identity)).toMatchObject({ security: { groups: ['locked'] } })
})
