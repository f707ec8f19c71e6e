/** The API of the kernel. Threads load only `@troupe/process`. */
export { hostKind, processKind, processKinds, serviceKind } from './config/kinds.ts'
export { type HostSettings, ThreadHost } from './host/thread-host.ts'
export type { Host } from './host/host.ts'
export { AttachedHost, type AttachedHostOptions } from './host/attached-host.ts'
export type { CallRecord } from './kernel/calls.ts'
export { checkCrossing, crossing } from './protocol/network-crossing.ts'
export { clearNetwork, describeNetwork, type Network, type Networks } from './kernel/network/networks.ts'
export { Kernel, type KernelOptions } from './kernel/kernel.ts'
export { waitUnlessOwn } from './kernel/own-orders.ts'
export type { ProcessRecord } from './kernel/process-table.ts'
export type { Requester } from './kernel/request-handler.ts'
export { slotCount, CallSlots } from './shared-memory/call-slots.ts'
export { routesChanged } from './shared-memory/route-epoch.ts'
export type { Thread } from './worker-threads/thread.ts'
export { exitCodeOf, threadFailure } from './worker-threads/thread-failure.ts'
export { readNodePort } from './worker-threads/node-port.ts'
export type { Print } from './worker-threads/standard-streams.ts'
export type { OutputStream } from './shared-memory/output-ledger.ts'
export type {
  CallAnswer,
  CallRequest,
  DeadLetter,
  PostedCall,
  Program,
  Requests,
  Service,
  StartCall,
  ThreadData,
  WireExit,
} from './protocol/kernel-thread.ts'
export { serviceFrame } from './service/service-frame.ts'
export { serviceOf, servicesOf, runningUntil } from './supervisor/service-definitions.ts'
export { type SupervisedProcess, startProcess } from './service/supervised-process.ts'
export type { ServiceState, ServiceStatus } from './service/service.ts'
export { serviceChannel, type ServiceDefinition, ServiceSupervisor } from './service/service-supervisor.ts'
export { RunningSupervisors } from './supervisor/running-supervisors.ts'
export { supervisorKind } from './config/supervisor-kind.ts'
export { kernelNetworkAccess } from './thread/network/network-access.ts'
export { checkReceiver } from './kernel/spawn-checks.ts'
export type { SpawnOrder } from './kernel/spawn-order.ts'
