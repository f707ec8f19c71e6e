/** The parts that an application is made of. */
import type { Functions } from '@troupe/functions/kernel'
import type { ServerServices, TokenStoreTable } from '@troupe/http/kernel'
import type { RunningReport } from '@troupe/network/kernel'
import type { Kernel, LaterMessages, RunningSupervisors, ServiceSupervisor } from '@troupe/process/kernel'
import type { Queues } from '@troupe/queue/kernel'
import type { AppConfig } from '@troupe/registry'
import type { Logger } from './log/logger.ts'

export interface ApplicationParts {
  readonly config: AppConfig
  readonly kernel: Kernel
  readonly supervisor: ServiceSupervisor
  readonly supervisors: RunningSupervisors
  readonly functions: Functions
  readonly servers: ServerServices
  readonly tokens: TokenStoreTable
  readonly report: RunningReport
  readonly later: LaterMessages
  readonly queues: Queues
  readonly logger: Logger
  /** Follows changes of the configuration. */
  readonly watch: Disposable
  /** It has stopped. */
  readonly leave: () => void
}
