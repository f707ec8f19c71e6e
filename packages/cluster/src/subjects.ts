/** The subjects and streams of a cluster on its servers. */

/** Name of the bucket with the record of each node. */
export function nodesBucketOf(cluster: string): string {
  return `troupe_${cluster}_nodes`
}

/** Where a node publishes what it sends to another. */
export function nodeSubject(cluster: string, to: string, from: string): string {
  return `t.${cluster}.to.${to}.from.${from}`
}

/** Where replies of the servers to a node arrive. No other node may subscribe to it, or publish there. */
export function inboxOf(cluster: string, node: string): string {
  return `t.${cluster}.inbox.${node}`
}

/** Name of the stream with the jobs of queues. */
export function jobsStreamOf(cluster: string): string {
  return `troupe_${cluster}_jobs`
}

/** The subject under which the jobs of queues are. */
export function jobsSubjectOf(cluster: string): string {
  return `t.${cluster}.jobs`
}
