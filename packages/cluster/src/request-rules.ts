/** Who may send the requests of this package, and what they contain. */
import { count, list, oneOf, optional, real, record, type RequestRules, shape, text } from '@troupe/process/protocol'
import type { ClusterRequests } from './protocol.ts'

const mostNodes = 10_000

export const clusterRequests: RequestRules<keyof ClusterRequests> = {
  clusterReport: {
    by: ['link'],
    ask: shape({
      phase: oneOf('connecting', 'joining', 'member', 'leaving', 'left'),
      incarnation: optional(count),
      validUntil: real,
      living: list(shape({ node: text, incarnation: count }), mostNodes),
      events: list(
        shape({
          type: oneOf('joined', 'left', 'died', 'taken'),
          node: text,
          incarnation: count,
          by: optional(text),
        }),
        mostNodes,
      ),
      server: optional(shape({ url: text, version: text })),
      trouble: optional(record),
    }),
  },
}
