import { type EntryId, entryId } from '@troupe/core'
import { defineKind, Registry } from '@troupe/registry'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Overlay } from './overlay.ts'
import type { OverlayKind } from './overlay-kind.ts'
import { OverlayTable } from './overlay-table.ts'

const id = entryId('app:node')
const kind = defineKind({
  kind: 'network.fake',
  fields: z.strictObject({ state: z.string().optional(), works: z.boolean().default(true) }),
})

/** A kind of overlay that logs when it opens and closes. */
function fake(log: string[]): OverlayKind {
  return {
    kind,
    exclusive: (entries, entry) => entries.decode(entry, kind).fields.state,
    open: async (entries, entry: EntryId, { generation }) => {
      const { state, works } = entries.decode(entry, kind).fields
      log.push(`open ${generation}`)
      if (!works) throw new Error('it does not come up')
      const overlay: Overlay = {
        id: entry,
        kind: kind.kind,
        capabilities: { listen: false, tls: false, udp: false },
        ...(state !== undefined && { exclusive: state }),
        route: { overlay: entry, generation, driver: 'fake', config: {} },
        bind: async () => Promise.reject(new Error('no')),
        async [Symbol.asyncDispose]() {
          log.push(`close ${generation}`)
        },
      }
      return overlay
    },
  }
}

async function started(fields: Readonly<Record<string, unknown>>) {
  const log: string[] = []
  const entries = new Registry({ kinds: [kind] })
  entries.add({ id, kind: kind.kind, fields })
  const overlays = new OverlayTable(entries, { kinds: [fake(log)] })
  await overlays.add(id)
  const next = (other: Readonly<Record<string, unknown>>) => {
    const changed = new Registry({ kinds: [kind] })
    changed.add({ id, kind: kind.kind, fields: other })
    return changed
  }
  return { log, overlays, next, generation: () => overlays.route(id).generation }
}

describe('a swap', () => {
  it('is not used before its commit, and leaves the old one to be closed later', async () => {
    const { overlays, next, log, generation } = await started({})
    const swap = await overlays.prepare(id, next({ state: 'a' }))
    expect(generation()).toBe(1)
    await swap.commit()
    expect([generation(), swap.retired.map(({ route }) => route.generation), log]).toEqual([
      2,
      [1],
      ['open 1', 'open 2'],
    ])
  })

  it('that is rolled back restores the old one, before and after the commit', async () => {
    const { overlays, next, log, generation } = await started({})
    await (await overlays.prepare(id, next({}))).rollback()
    const swap = await overlays.prepare(id, next({}))
    await swap.commit()
    await swap.rollback()
    expect([generation(), log]).toEqual([1, ['open 1', 'open 2', 'close 2', 'open 3', 'close 3']])
  })

  it('removes, and restores', async () => {
    const { overlays } = await started({})
    const swap = overlays.prepareRemoval(id)
    await swap.commit()
    expect(overlays.has(id)).toBe(false)
    await swap.rollback()
    expect(overlays.has(id)).toBe(true)
  })
})

describe('a hand-over', () => {
  it('closes the old one before it opens the new one, and requests wait meanwhile', async () => {
    const { overlays, next, log, generation } = await started({ state: 'a' })
    const swap = await overlays.prepare(id, next({ state: 'a' }))
    const committed = swap.commit()
    const seen = overlays.settled(id).then(generation)
    await committed
    expect([await seen, log]).toEqual([2, ['open 1', 'close 1', 'open 2']])
    await overlays.settled(id)
  })

  it('opens the old one again when the new one does not start', async () => {
    const { overlays, next, log, generation } = await started({ state: 'a' })
    const swap = await overlays.prepare(id, next({ state: 'a', works: false }))
    await expect(swap.commit()).rejects.toThrow('it does not come up')
    await swap.rollback()
    expect([generation(), log]).toEqual([3, ['open 1', 'close 1', 'open 2', 'open 3']])
  })

  it('opens the old one again when it is rolled back', async () => {
    const { overlays, next, log, generation } = await started({ state: 'a' })
    const swap = await overlays.prepare(id, next({ state: 'a' }))
    await swap.commit()
    await swap.rollback()
    expect([generation(), log.at(-2), log.at(-1)]).toEqual([3, 'close 2', 'open 3'])
  })

  it('is not needed if the state is another one', async () => {
    const { overlays, next, log } = await started({ state: 'a' })
    await (await overlays.prepare(id, next({ state: 'b' }))).commit()
    expect(log).toEqual(['open 1', 'open 2'])
  })
})
