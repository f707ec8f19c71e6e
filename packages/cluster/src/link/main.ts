/** The program of the link: the one thread that has the connection to the servers, and the credentials. */
import { ask, self } from '@troupe/process'
import type { LinkReport } from '../protocol.ts'
import type { LinkSettings } from '../settings.ts'
import { LinkedNode } from './linked-node.ts'

/** Is a node of the cluster until it is cancelled. */
export async function link(settings: LinkSettings): Promise<void> {
  const node = new LinkedNode({ settings, report: async (report: LinkReport) => ask('clusterReport', report) })
  const running = node.run()
  // It gets no messages; its inbox ends when it is cancelled.
  for await (const message of self.inbox) void message
  await node.stop(settings.lease)
  await running
}
