/** What runs, for those who change it. */
import type { Functions } from '@troupe/functions/kernel'
import type { Servers } from '@troupe/http/kernel'
import type { Kernel, Supervisor, Supervisors } from '@troupe/process/kernel'

export interface Running {
  readonly kernel: Kernel
  readonly supervisor: Supervisor
  readonly supervisors: Supervisors
  readonly functions: Functions
  readonly servers: Servers
  /** Milliseconds that connections of an overlay which is out of service may go on. */
  readonly drainTimeout: number
}
