/** The API of the kernel. Threads load only `@troupe/process`. */
export { hostKind, processKind, processKinds, serviceKind } from './config/kinds.ts'
export { type HostSettings, ThreadHost } from './host/thread-host.ts'
export { isolationFields } from './host/process/isolation-settings.ts'
export { Launch } from './host/process/launch.ts'
export type { Protection } from './host/process/protection.ts'
export type { ProcessThread } from './host/process/process-thread.ts'
export { canSeal, cannotSeal } from './worker-threads/sealed-flags.ts'
export type { Host } from './host/host.ts'
export { AttachedHost, type AttachedHostOptions } from './host/attached-host.ts'
export { checkCrossing, checkEncodable, crossing } from './protocol/network-crossing.ts'
export { clearNetwork, describeNetwork, type Network, type Networks } from './kernel/network/networks.ts'
export { Kernel } from './kernel/kernel.ts'
export type { RemoteThreads } from './kernel/remote-threads.ts'
export type { KernelOptions } from './kernel/kernel-options.ts'
export { waitUnlessOwn } from './kernel/own-orders.ts'
export type { ProcessRecord } from './kernel/process-table.ts'
export type { Requester } from './kernel/request-handler.ts'
export { routesChanged } from './shared-memory/route-epoch.ts'
export type { ConnectionRow, OverlayRow, RecordedMessage } from './kernel/observation/inspector.ts'
export {
  type Census,
  observeConnections,
  observeOverlays,
  observeProcesses,
  observeRefusals,
  observeResources,
  observeThreads,
  type ObservedEnd,
  type ObservedProcess,
  type ObservedThread,
} from './kernel/observation/observed-threads.ts'
export { cpuProfile, heapSnapshot } from './worker-threads/profile.ts'
export type { ObservedTime } from './kernel/observation/processor-time.ts'
export type { Resources } from './worker-threads/resources.ts'
export type { Thread } from './worker-threads/thread.ts'
export {
  type Flow,
  observeFlows,
  type RecordingLimits,
  recordMessages,
} from './kernel/observation/recordings.ts'
export { exitCodeOf, threadFailure } from './worker-threads/thread-failure.ts'
export { readNodePort } from './worker-threads/node-port.ts'
export type { Print } from './worker-threads/standard-streams.ts'
export type { OutputStream } from './shared-memory/output-ledger.ts'
export type { Program, WireExit } from './protocol/programs.ts'
export type { DeadLetter } from './mailbox/dead-letters.ts'
export { noteClaim, sealedPlace, sealedSpan } from './kernel/observation/sealed-spans.ts'
export { replayDeadLetter } from './kernel/observation/dead-letter-replay.ts'
export type { ThreadData } from './protocol/thread-data.ts'
export { observeGc } from './telemetry/garbage-collection.ts'
export { setTelemetry, telemetryReady, useRegisteredSdk } from './telemetry/telemetry.ts'
export { serviceFrame } from './service/service-frame.ts'
export { serviceOf, servicesOf, runningUntil } from './supervisor/service-definitions.ts'
export { type SupervisedProcess, startProcess } from './service/supervised-process.ts'
export type { ReplicaStatus, ServiceState, ServiceStatus } from './service/service.ts'
export { serviceChannel, type ServiceDefinition, ServiceSupervisor } from './service/service-supervisor.ts'
export { RunningSupervisors } from './supervisor/running-supervisors.ts'
export { DueTimer } from './later/due-timer.ts'
export { LaterMessages } from './later/later-messages.ts'
export { scheduleKind } from './config/schedule-kind.ts'
export { supervisorKind } from './config/supervisor-kind.ts'
export { callersNetworkAccess, kernelNetworkAccess } from './thread/network/network-access.ts'
export { checkReceiver } from './kernel/spawn-checks.ts'
export type { SpawnOrder } from './kernel/spawn-order.ts'
