/**
 * Node's own channels, whose names all threads of the process share. The guard gives each network its own names. This
 * module must load before the guard.
 */
import workerThreads from 'node:worker_threads'

export const { BroadcastChannel } = workerThreads
