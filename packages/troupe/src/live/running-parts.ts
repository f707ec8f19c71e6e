/** The running parts of an application, for the handlers of changes. */
import type { Functions } from '@troupe/functions/kernel'
import type { ServerServices } from '@troupe/http/kernel'
import type { Kernel, ServiceSupervisor, RunningSupervisors } from '@troupe/process/kernel'
import type { Queues } from '@troupe/queue/kernel'

export interface RunningParts {
  readonly kernel: Kernel
  readonly supervisor: ServiceSupervisor
  readonly supervisors: RunningSupervisors
  readonly functions: Functions
  readonly servers: ServerServices
  readonly queues: Queues
  /** Milliseconds that connections of an overlay that is out of service may continue. */
  readonly drainTimeout: number
}
