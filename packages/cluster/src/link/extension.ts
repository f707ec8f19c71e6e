/** What packages above this one do in the thread of the link, over its connection. */
import type { NatsConnection } from '@nats-io/transport-node'

declare module '@troupe/process/protocol' {
  interface Roles {
    /** The thread that is connected to the servers of the cluster. */
    link: unknown
  }
}

/** What an extension sees of the link: neither credentials nor addresses. */
export interface LinkAccess {
  readonly cluster: string
  readonly node: string
  readonly replicas: number
  /** Whether this node may act as the owner of anything now. */
  isMember(): boolean
  /** Calls `listener` with the present connection and each later one, and with nothing when one has ended. */
  onConnection(listener: (connection: NatsConnection | undefined) => void): void
}

/** The export `extend` of a module of an extension. */
export type ExtendLink = (access: LinkAccess) => AsyncDisposable
