/** Access to overlays for code in this thread, through requests to the kernel. */
import { denied, type EntryId, type Pid, type TroupeError } from '@troupe/core'
import type { BindOptions, NetworkAccess, Route } from '@troupe/network'
import { currentRuntime } from '../current.ts'
import { kernelDialer } from './kernel-dialer.ts'
import { currentParticipant, hasEnforcedPolicies, participantIn, soleParticipant } from '../participant.ts'
import type { Runtime } from '../runtime.ts'

/**
 * @param sealed - The thread may open nothing itself.
 * @param advice - See {@link NetworkAccess}.
 */
export function kernelNetworkAccess(runtime: Runtime, sealed = false, advice?: string): NetworkAccess {
  return {
    application: runtime.application,
    ...(sealed && { dialer: kernelDialer(runtime) }),
    ...(advice !== undefined && { advice }),
    async select(overlay: EntryId | null): Promise<void> {
      await runtime.kernel.request('select', { overlay }, currentParticipant().pid)
    },
    permit(action: string, resource: string, port?: number): Promise<void> | undefined {
      const by = participantIn(runtime) ?? soleParticipant(runtime.participants)
      if (by === undefined)
        return runtime.participants.some(({ policyEnforced }) => policyEnforced)
          ? Promise.reject(unknownCaller(action))
          : undefined
      if (!by.policyEnforced) return undefined
      if (port === undefined) return runtime.permissions.ask(by, action, resource)
      return runtime.kernel.request('permit', { action, resource, port }, by.pid)
    },
    governs: hasEnforcedPolicies,
    async bind(overlay: EntryId, options: BindOptions) {
      const { pid } = currentParticipant()
      const { ticket, number } = await runtime.kernel.request('bind', { overlay, options }, pid)
      // A process that has ended has released all its addresses.
      const release = () => void runtime.kernel.request('unbind', { number }, pid).catch(() => undefined)
      return { listenGrant: ticket, release }
    },
    async leaseAddresses(back: number | undefined): Promise<number> {
      return runtime.kernel.request('leaseAddresses', back === undefined ? {} : { back }, anyone(runtime))
    },
    async isAddressLeased(number: number): Promise<boolean> {
      return runtime.kernel.request('isAddressLeased', { number }, anyone(runtime))
    },
    refresh(): void {
      runtime.routes.refresh()
    },
    route(overlay: EntryId): Promise<Route> {
      return runtime.routes.get(overlay)
    },
  }
}

const accesses = new WeakMap<Runtime, NetworkAccess>()

/** The access of the application in which the running code acts. Throws like `currentRuntime`. */
export function callersNetworkAccess(): NetworkAccess {
  const runtime = currentRuntime()
  const known = accesses.get(runtime)
  if (known !== undefined) return known
  const access = kernelNetworkAccess(runtime)
  accesses.set(runtime, access)
  return access
}

/** The caller for requests that concern the thread: the current participant, if known, else the thread itself. */
function anyone(runtime: Runtime): Pid {
  return (participantIn(runtime) ?? runtime.root).pid
}

function unknownCaller(action: string): TroupeError {
  return denied(
    `${action} is refused: no process or function is in force here, ` +
      'so it is not known whose policies apply. Keep the context for the ' +
      'callback with AsyncLocalStorage.bind() or AsyncResource.bind()',
    { action, reason: 'lostContext' },
  )
}
