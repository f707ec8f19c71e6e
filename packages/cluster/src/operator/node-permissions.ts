/** What a node may do on the servers, and no more. */
import { inboxOf, nodesBucketOf } from '../subjects.ts'

export interface NodePermissions {
  readonly publish: { readonly allow: readonly string[] }
  readonly subscribe: { readonly allow: readonly string[] }
}

/**
 * It publishes as itself, and subscribes to what is addressed to it. In the bucket of the nodes it writes the records
 * of nodes, because each may write the certificate of a dead one, and probes of its own; it may not delete or
 * reconfigure the bucket.
 */
export function nodePermissions(cluster: string, node: string): NodePermissions {
  const bucket = nodesBucketOf(cluster)
  const stream = `KV_${bucket}`
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
      ],
    },
    subscribe: { allow: [`t.${cluster}.to.${node}.from.*`, `${inboxOf(cluster, node)}.>`] },
  }
}
