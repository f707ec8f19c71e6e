/** For tests: waits for the state of an overlay. */
import type { EntryId } from '@troupe/core'
import { expect, vi } from 'vitest'
import type { OverlayTable } from '../overlay/overlay-table.ts'

/** Its own probe runs within seconds of a report of trouble. */
export async function becomes(overlays: OverlayTable, id: EntryId, state: string) {
  return vi.waitFor(
    async () => {
      overlays.get(id).doubt?.()
      const status = await overlays.status(id)
      expect(status).toMatchObject({ state })
      return status
    },
    { timeout: 40_000, interval: 100 },
  )
}
