/** Who may send the requests of this package, and what they contain. */
import {
  count,
  either,
  entryText,
  list,
  oneOf,
  optional,
  real,
  record,
  type RequestRules,
  shape,
  text,
} from '@troupe/process/protocol'
import { wireError } from '@troupe/process/link'
import type { ClusterRequests } from './protocol.ts'

const mostNodes = 10_000
const node = { node: text, incarnation: count }
const pair = { ...node, near: count, far: count }

export const clusterRequests: RequestRules<keyof ClusterRequests> = {
  pairWanted: { by: ['link'], ask: shape({ ...pair, overlay: either(oneOf(null), entryText) }) },
  pairClosed: { by: ['link'], ask: shape({ ...pair, error: wireError }) },
  nodeMalformed: { by: ['link'], ask: shape({ ...node, why: text, count }) },
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
