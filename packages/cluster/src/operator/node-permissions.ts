/** What a node may do on the servers, and no more. */
import { inboxOf, jobsStreamOf, jobsSubjectOf, nodesBucketOf } from '../subjects.ts'

export interface NodePermissions {
  readonly publish: { readonly allow: readonly string[] }
  readonly subscribe: { readonly allow: readonly string[] }
}

/**
 * It publishes as itself, and subscribes to what is addressed to it. In the bucket of the nodes it writes the records
 * of nodes, because each may write the certificate of a dead one, and probes of its own; it may not delete or
 * reconfigure the bucket. The same holds for the stream of jobs, of which every node publishes and takes.
 */
export function nodePermissions(cluster: string, node: string): NodePermissions {
  const bucket = nodesBucketOf(cluster)
  const stream = `KV_${bucket}`
  const jobs = jobsStreamOf(cluster)
  return {
    publish: {
      allow: [
        `t.${cluster}.to.*.from.${node}`,
        `$KV.${bucket}.n.*`,
        `$KV.${bucket}.p.${node}`,
        '$JS.API.INFO',
        `$JS.API.STREAM.CREATE.${stream}`,
        `$JS.API.STREAM.INFO.${stream}`,
        `$JS.API.STREAM.MSG.GET.${stream}`,
        `$JS.API.CONSUMER.CREATE.${stream}.>`,
        `$JS.API.CONSUMER.INFO.${stream}.*`,
        `$JS.API.CONSUMER.DELETE.${stream}.*`,
        `$JS.FC.${stream}.>`,
        `${jobsSubjectOf(cluster)}.>`,
        `$JS.API.STREAM.CREATE.${jobs}`,
        `$JS.API.STREAM.INFO.${jobs}`,
        `$JS.API.STREAM.MSG.GET.${jobs}`,
        `$JS.API.CONSUMER.CREATE.${jobs}.*.${jobsSubjectOf(cluster)}.>`,
        `$JS.API.CONSUMER.INFO.${jobs}.*`,
        `$JS.API.CONSUMER.DELETE.${jobs}.*`,
        `$JS.API.CONSUMER.MSG.NEXT.${jobs}.*`,
      ],
    },
    subscribe: { allow: [`t.${cluster}.to.${node}.from.*`, `${inboxOf(cluster, node)}.>`] },
  }
}
