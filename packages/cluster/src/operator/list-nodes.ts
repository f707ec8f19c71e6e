/** The nodes of a cluster, from their records. */
import { openConnection } from '../link/connection.ts'
import { NodesBucket } from '../link/nodes-bucket.ts'
import type { LinkSettings } from '../settings.ts'

const answerTime = 5_000

export interface ListedNode {
  readonly node: string
  readonly incarnation: number
  /** `alive`: its record has no certificate. It may have died a moment ago, or with all others. */
  readonly state: 'alive' | 'dead' | 'left'
  /** When the record was written, by the clock of the servers, in milliseconds since 1970: an alive node renews it. */
  readonly writtenAt: number
  /** The node that wrote the certificate of a dead one. */
  readonly by?: string
}

/**
 * Reads the records of all nodes. Writes nothing, and does not join.
 *
 * @throws TroupeError what the connection throws; `NotFound` where no node has ever joined.
 */
export async function listNodes(settings: LinkSettings): Promise<readonly ListedNode[]> {
  const connection = await openConnection(settings)
  try {
    const bucket = await NodesBucket.existing(connection, settings.cluster, answerTime)
    const found: ListedNode[] = []
    for (const name of await bucket.nodes()) {
      const read = await bucket.read(name)
      if (read?.record === undefined) continue
      const { record, revision, node, writtenAt } = read
      const { state, by, incarnation = revision } = record
      found.push({ node, incarnation, state, writtenAt, ...(by !== undefined && { by }) })
    }
    return found.toSorted((a, b) => (a.node < b.node ? -1 : 1))
  } finally {
    await connection.close()
  }
}
