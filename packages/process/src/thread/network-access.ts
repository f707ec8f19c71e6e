/** How code in this thread gets at overlays: it asks the kernel. */
import type { EntryId } from '@troupe/core'
import type { BindOptions, NetworkAccess, Route } from '@troupe/network'
import { kernelHands } from './hands.ts'
import { currentParticipant } from './participant.ts'
import type { Runtime } from './runtime.ts'

/** @param sealed - The thread may open nothing itself. */
export function kernelNetworkAccess(runtime: Runtime, sealed = false): NetworkAccess {
  return {
    ...(sealed && { hands: kernelHands(runtime) }),
    get defaultOverlay() {
      return runtime.defaultOverlay
    },
    async select(overlay: EntryId | null): Promise<void> {
      await runtime.kernel.request('select', { overlay }, currentParticipant().pid)
    },
    permit(action: string, resource: string, port?: number): Promise<void> | undefined {
      const by = currentParticipant()
      if (!by.governed) return undefined
      if (port === undefined) return runtime.permits.ask(by, action, resource)
      return runtime.kernel.request('permit', { action, resource, port }, by.pid)
    },
    async bind(overlay: EntryId, options: BindOptions) {
      const { pid } = currentParticipant()
      const { ticket, number } = await runtime.kernel.request('bind', { overlay, options }, pid)
      // Who has ended gave up all its places.
      const release = () => void runtime.kernel.request('unbind', { number }, pid).catch(() => undefined)
      return { ticket, release }
    },
    refresh(): void {
      runtime.refreshRoutes()
    },
    route(overlay: EntryId): Promise<Route> {
      return runtime.route(overlay, currentParticipant().pid)
    },
  }
}
