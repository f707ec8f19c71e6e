/** Whether an application works, and whether it takes work. */
import type { ServiceStatus } from '@troupe/process/kernel'

/** What readiness follows from. */
export interface Health {
  /** `starting` until its auto-started services were started; `stopping` from the order to stop on. */
  readonly phase: 'starting' | 'running' | 'stopping'
  readonly services: readonly ServiceStatus[]
}

/** Whether work may be sent to the application, and if not, why. */
export function readiness({ phase, services }: Health): {
  readonly isReady: boolean
  readonly reasons: readonly string[]
} {
  if (phase !== 'running') return { isReady: false, reasons: [phase] }
  const reasons = services
    .filter(({ state }) => state === 'Starting' || state === 'Failed')
    .map(({ id, state }) => `${id} is ${state.toLowerCase()}`)
  return { isReady: reasons.length === 0, reasons }
}
