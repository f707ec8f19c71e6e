/** A connection in transit between threads: post it with `handle` in the transfer list. */
export interface SocketHandoff {
  readonly handle: object
  /** Data that was already received from the far end. */
  readonly rest?: Uint8Array
}
