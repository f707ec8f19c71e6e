/** The cluster, as a running application shows it. */
import type { ClusterView } from '@troupe/cluster/kernel'
import { redactedText } from '../log/redact.ts'

/** The cluster that an application belongs to. */
export interface ObservedCluster {
  /** Name of the cluster. */
  readonly name: string
  /** Name of this node. */
  readonly node: string
  /** The state of this node. */
  readonly state: ClusterView['state']
  /** When that began, in milliseconds since 1970. */
  readonly since: number
  /** Present while this node is a member. */
  readonly incarnation?: number
  /** The server that it is connected to. */
  readonly server?: string
  /** Why it is no member. */
  readonly trouble?: { readonly kind: string; readonly message: string }
  /** The members, with when this node learned of each. */
  readonly nodes: ClusterView['nodes']
}

/** Without secrets. */
export function observedCluster(view: ClusterView, secrets: ReadonlySet<string>): ObservedCluster {
  const { server, trouble, ...rest } = view
  return {
    ...rest,
    ...(server && { server: server.url }),
    ...(trouble && { trouble: { kind: trouble.kind, message: redactedText(trouble.message, secrets) } }),
  }
}
