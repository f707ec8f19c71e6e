/** The kernel's side of queues. Threads load only `@troupe/queue`. */
export type { DeadJob, ObservedQueue } from './kernel/observed-queue.ts'
export { Queues, type QueuesOptions } from './kernel/queues.ts'
export { consumerKind, queueKind, queueKinds } from './kinds.ts'
export type { JobView, QueueRequests } from './protocol.ts'
export { queueRequests } from './request-rules.ts'

/** The module that keeps the jobs of a cluster, in the thread of its link. */
export const jobsLink = new URL(`./link/main${import.meta.filename.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)
  .href
