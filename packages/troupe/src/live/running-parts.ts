/** What runs, for those who change it. */
import type { Functions } from '@troupe/functions/kernel'
import type { ServerServices } from '@troupe/http/kernel'
import type { Kernel, ServiceSupervisor, RunningSupervisors } from '@troupe/process/kernel'

export interface RunningParts {
  readonly kernel: Kernel
  readonly supervisor: ServiceSupervisor
  readonly supervisors: RunningSupervisors
  readonly functions: Functions
  readonly servers: ServerServices
  /** Milliseconds that connections of an overlay which is out of service may go on. */
  readonly drainTimeout: number
}
