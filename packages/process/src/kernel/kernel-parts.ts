/** The parts of the kernel that its request handlers and message handlers use. The kernel assembles them. */
import type { EntryId, LogNote, Pid, TroupeError } from '@troupe/core'
import type { AddressLeases, OverlayTable } from '@troupe/network/kernel'
import type { Security } from '@troupe/policy/kernel'
import type { Registry } from '@troupe/registry'
import type { HostTable } from '../host/host-table.ts'
import type { DeadLetters } from '../mailbox/dead-letters.ts'
import type { KnownProgram } from '../protocol/programs.ts'
import type { Runtime } from '../thread/runtime.ts'
import type { ThreadTable } from '../worker-threads/thread-table.ts'
import type { Authorizer } from './authorization/authorizer.ts'
import type { FrameIssuer } from './authorization/frame-issuer.ts'
import type { OverlayGrants } from './authorization/overlay-grants.ts'
import type { SenderFrames } from './authorization/sender-frames.ts'
import type { ThreadPrivileges } from './authorization/thread-privileges.ts'
import type { FailureLog } from './failure-log.ts'
import type { Bindings } from './network/bindings.ts'
import type { Deliveries } from './deliveries.ts'
import type { ConnectionDrains } from './network/connection-drains.ts'
import type { KernelDials } from './network/kernel-dials.ts'
import type { Networks } from './network/networks.ts'
import type { EndedThreads } from './observation/ended-threads.ts'
import type { ProcessorTime } from './observation/processor-time.ts'
import type { Inspector } from './observation/inspector.ts'
import type { ServiceNames } from './service-names.ts'
import type { ProcessDiscovery } from './process-discovery.ts'
import type { ProcessTable } from './process-table.ts'
import type { SpawnOrder } from './spawn-order.ts'
import type { Tasks } from './tasks.ts'

export interface KernelParts {
  readonly registry: Registry
  readonly overlays: OverlayTable
  readonly security: Security
  readonly threads: ThreadTable
  readonly authorizer: Authorizer
  readonly privileges: ThreadPrivileges
  readonly processes: ProcessTable
  /** The frames for which senders of messages act. */
  readonly senders: SenderFrames
  readonly grants: OverlayGrants
  /** The networks that threads are bound to. */
  readonly networks: Networks
  readonly tasks: Tasks
  readonly frames: FrameIssuer
  readonly hosts: HostTable
  readonly discovery: ProcessDiscovery
  /** Overlays that are out of service while connections still use them. */
  readonly drains: ConnectionDrains
  /** Names of services that run several processes. */
  readonly serviceNames: ServiceNames
  /** The listeners of processes on overlays. */
  readonly bindings: Bindings
  /** The connections that the kernel opens for sealed threads. */
  readonly dials: KernelDials
  /** Which thread hands out which stand-in addresses. */
  readonly addresses: AddressLeases
  readonly deadLetters: DeadLetters
  /** Messages that the kernel puts into mailboxes itself. */
  readonly deliveries: Deliveries
  /** The runtime of the main thread. */
  readonly runtime: Runtime
  /** Asks threads what is in them. */
  readonly inspector: Inspector
  readonly processorTime: ProcessorTime
  /** What happened in threads that have ended. */
  readonly endedThreads: EndedThreads
  /** Logs processes and calls that fail. */
  readonly failures: FailureLog

  /** Writes a line to the application's log. */
  readonly note: (line: string, about?: LogNote) => void
  /** Returns what to run for a process entry, and the overlay that the entry is pinned to. */
  program(id: EntryId): KnownProgram
  /** Starts a process in its frame. */
  spawn(order: SpawnOrder): Pid
  /** Ends a process at once. */
  terminate(pid: Pid, error?: TroupeError): Promise<void>
  /** Asks a process to stop. */
  cancel(pid: Pid, reason: string): Promise<void>
}
