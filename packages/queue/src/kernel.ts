/** The kernel's side of queues. Threads load only `@troupe/queue`. */
export type { QueueDriver } from './driver/driver.ts'
export { SqliteDriver } from './driver/sqlite-driver.ts'
