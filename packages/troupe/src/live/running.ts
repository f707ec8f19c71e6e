/** What runs, for those who change it. */
import type { Functions } from '@troupe/functions/kernel'
import type { Overlay } from '@troupe/network'
import type { Kernel, Supervisor, Supervisors } from '@troupe/process/kernel'

export interface Running {
  readonly kernel: Kernel
  readonly supervisor: Supervisor
  readonly supervisors: Supervisors
  readonly functions: Functions
  /** Closes an overlay that is out of service, once the connections that it carries have ended, or its time is up. */
  readonly drain: (former: Overlay) => void
}
