/** Node's own channels, whose names are those of all threads of the process: the guard gives each network names of its own. Loaded before it. */
import workerThreads from 'node:worker_threads'

export const { BroadcastChannel } = workerThreads
