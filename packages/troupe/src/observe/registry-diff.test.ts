import { entryId } from '@troupe/core'
import { MemoryHistory, Registry } from '@troupe/registry'
import { expect, it } from 'vitest'
import { registryDiff } from './registry-diff.ts'

it('shows no value of a secret variable that nothing has read', async () => {
  const registry = new Registry({ kinds: [] })
  const storage = (value: string) => ({
    kind: 'env.storage.static',
    values: { COLOR: value, PIN_CODE: `pin-${value}` },
  })
  const { kind, ...fields } = storage('red')
  registry.add({ id: entryId('app:settings'), kind, fields })
  registry.open(new MemoryHistory())
  const variable = { kind: 'env.variable', storage: 'settings', secret: true }
  await registry.apply([
    { op: 'create', entry: { id: 'app:pin', ...variable, variable: 'PIN_CODE' } },
    { op: 'create', entry: { id: 'app:plain', ...variable, secret: false, default: 'shown' } },
    { op: 'create', entry: { id: 'app:PHRASE', ...variable, default: 'never shown' } },
    { op: 'update', entry: { id: 'app:settings', ...storage('blue') } },
  ])
  await registry.apply([{ op: 'delete', entry: { id: 'app:pin' } }])
  const shown = registryDiff(registry, 1, 2)
  expect(shown.find(({ id }) => id === 'app:settings')).toMatchObject({
    before: { values: { COLOR: 'red', PIN_CODE: '[redacted]' } },
    after: { values: { COLOR: 'blue', PIN_CODE: '[redacted]' } },
  })
  expect(shown.find(({ id }) => id === 'app:plain')?.after).toMatchObject({ default: 'shown' })
  expect(shown.find(({ id }) => id === 'app:PHRASE')?.after).toMatchObject({ default: '[redacted]' })
})
