import { expect, it } from 'vitest'
import { registry } from '../index.ts'
import { startApp } from '../test/index.ts'

const junk: readonly unknown[] = [
  null,
  undefined,
  {},
  'x',
  [null],
  [5],
  [{ op: 'create' }],
  [{ op: 'create', entry: { kind: 'x' } }],
  [{ op: 'twist', entry: { id: 'app:a' } }],
]

it.each(junk.map((changes) => ({ changes })))(
  'an invalid change is Invalid, and changes nothing: $changes',
  async ({ changes }) => {
    await using app = await startApp({ root: import.meta.dirname, entries: [] })
    await using probe = await app.probe()
    const apply = registry.apply as (changes: unknown) => Promise<number>
    await probe.run(async () => {
      const before = await registry.version()
      await expect(apply(changes)).rejects.toMatchObject({ kind: 'Invalid' })
      expect(await registry.version()).toBe(before)
    })
  },
)
