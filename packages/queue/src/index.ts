/** The API of queues for threads. The kernel's side is `@troupe/queue/kernel`. */
export type { JobCounts, JobError, JobState } from './driver/driver.ts'
export type { JobView } from './protocol.ts'
export { type DeadOptions, type Job, type PublishedJob, type PublishOptions, queues } from './queues.ts'
