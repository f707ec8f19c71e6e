/** What packages above this one do in the thread of the link, over its connection. */
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
  /**
   * Calls `listener` with the present connection of the NATS client and each later one, and with nothing when one has
   * ended. Published types name no type of the client, which applications need not install.
   */
  onConnection(listener: (connection: object | undefined) => void): void
}

/** The export `extend` of a module of an extension. */
export type ExtendLink = (access: LinkAccess) => AsyncDisposable
