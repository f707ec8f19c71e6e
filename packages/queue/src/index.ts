/** The API of queues for threads. The kernel's side is `@troupe/queue/kernel`. */
export type { JobState } from './driver/driver.ts'
