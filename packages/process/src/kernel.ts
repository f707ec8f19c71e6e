/** The kernel. Threads load `@troupe/process` alone. */
export { hostKind, processKind, processKinds, serviceKind } from './kinds.ts'
export { ThreadHost } from './host/thread-host.ts'
export type { Host } from './host/host.ts'
export type { SelectionGate } from './kernel/frames.ts'
export { type Asker, Kernel, type KernelOptions, type SpawnOrder } from './kernel/kernel.ts'
