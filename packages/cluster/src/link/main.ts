/** The program of the link: the one thread that has the connection to the servers, and the credentials. */
import { ask, currentParticipant, currentRuntime, self } from '@troupe/process'
import { monotonicNow } from '../monotonic.ts'
import type { ExtendLink } from './extension.ts'
import type { LinkReport } from '../protocol.ts'
import type { LinkSettings } from '../settings.ts'
import { LinkedNode } from './linked-node.ts'
import { NodeLinks } from './node-links.ts'

interface Extension {
  readonly extend: ExtendLink
}

function isExtension(module: unknown): module is Extension {
  return typeof module === 'object' && module !== null && 'extend' in module
}

/**
 * Is a node of the cluster until it is cancelled.
 *
 * @param extensions - Modules of packages above this one, which use its connection.
 */
export async function link(settings: LinkSettings, extensions: readonly string[]): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const runtime = currentRuntime()
  const { pid } = currentParticipant()
  const { node: name, maxMessage } = settings
  const links = new NodeLinks({
    node: name,
    maxMessage,
    now: monotonicNow,
    onWanted: (pair, overlay) => void runtime.kernel.request('pairWanted', { ...pair, overlay }, pid),
    onClosed: (pair, error) => void runtime.kernel.request('pairClosed', { ...pair, error }, pid),
    onMalformed: (about, why, count) => void runtime.kernel.request('nodeMalformed', { ...about, why, count }, pid),
  })
  runtime.handle('pairOpened', (message) => {
    links.opened(message)
  })
  runtime.handle('pairRefused', (message) => {
    links.refused(message)
  })
  runtime.handle('pairBroken', (message) => {
    links.broken(message)
  })
  const node = new LinkedNode({ settings, links, report: async (report: LinkReport) => ask('clusterReport', report) })
  for (const module of extensions) {
    const loaded: unknown = await import(module)
    if (isExtension(loaded)) stack.use(loaded.extend(node.access))
  }
  const running = node.run()
  // It gets no messages; its inbox ends when it is cancelled.
  for await (const message of self.inbox) void message
  await node.stop(settings.lease)
  await running
}
