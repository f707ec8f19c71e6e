/** The kernel. Threads load `@troupe/process` alone. */
export { hostKind, processKind, processKinds, serviceKind } from './kinds.ts'
export { type HostSettings, ThreadHost } from './host/thread-host.ts'
export type { Host } from './host/host.ts'
export { GuestHost, type GuestHostOptions } from './host/guest-host.ts'
export type { CallRecord } from './kernel/calls.ts'
export { checkCrossing, crossing } from './crossing.ts'
export { clearNetwork, describeNetwork, type Network, type Networks } from './kernel/networks.ts'
export { Kernel, type KernelOptions } from './kernel/kernel.ts'
export { waitUnlessOwn } from './kernel/own-orders.ts'
export type { ProcessRecord } from './kernel/process-table.ts'
export type { Asker } from './kernel/requests.ts'
export { boardSize, CallBoard } from './call-board.ts'
export { routesChanged } from './route-word.ts'
export type { Thread } from './kernel/thread.ts'
export { exitCodeOf, threadFailure } from './kernel/thread-failure.ts'
export { readNodePort } from './kernel/worker-ports.ts'
export type { Print } from './kernel/standard-streams.ts'
export type { OutputStream } from './output-ledger.ts'
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
} from './protocol.ts'
export { serviceFrame } from './supervisor/service-frame.ts'
export { serviceOf, servicesOf, standing } from './supervisor/services.ts'
export { type SupervisedProcess, startProcess } from './supervisor/supervised-process.ts'
export type { ServiceState, ServiceStatus } from './supervisor/service.ts'
export { serviceChannel, type ServiceDefinition, Supervisor } from './supervisor/supervisor.ts'
export { Supervisors } from './supervisor/supervisors.ts'
export { supervisorKind } from './supervisor-kind.ts'
export { kernelNetworkAccess } from './thread/network-access.ts'
export { checkReceiver } from './kernel/spawn-checks.ts'
export type { SpawnOrder } from './kernel/spawn-order.ts'
