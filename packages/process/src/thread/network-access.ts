/** How code in this thread gets at overlays: it asks the kernel. */
import { currentSlot, type EntryId, type Pid } from '@troupe/core'
import type { BindOptions, NetworkAccess, Route } from '@troupe/network'
import { kernelHands } from './hands.ts'
import { currentParticipant, Participant } from './participant.ts'
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
    async leaseAddresses(back: number | undefined): Promise<number> {
      return runtime.kernel.request('leaseAddresses', back === undefined ? {} : { back }, anyone(runtime))
    },
    async isAddressLeased(number: number): Promise<boolean> {
      return runtime.kernel.request('isAddressLeased', { number }, anyone(runtime))
    },
    refresh(): void {
      runtime.refreshRoutes()
    },
    route(overlay: EntryId): Promise<Route> {
      return runtime.route(overlay, currentParticipant().pid)
    },
  }
}

/** Who asks for what is the thread's: the process or call that acts, and for code that lost its context any process that lives here. */
function anyone(runtime: Runtime): Pid {
  if (!(currentSlot()?.owner instanceof Participant)) for (const pid of runtime.processes.keys()) return pid
  return currentParticipant().pid
}
