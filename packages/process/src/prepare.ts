/** For programs that load the kernel: a thread can be started before, and loads at the same time. */
export { dropPrepared, preparedThread, prepareWorker } from './worker-threads/prepared-worker.ts'
