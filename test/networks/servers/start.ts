/** All servers of the clients. */
import { startBrokers } from './brokers.ts'
import { startDatabases } from './databases.ts'
import type { Setting } from './listen.ts'
import { startWeb } from './web.ts'

const starts = { brokers: startBrokers, databases: startDatabases, web: startWeb, queues: startWeb }

export type Batch = keyof typeof starts

/** Starts the servers of a batch of clients. @returns where each listens, as the clients read it */
export async function startServers(batch: Batch, setting: Setting): Promise<string> {
  return JSON.stringify(await starts[batch](setting))
}
