/** A connection on its way between threads: post it with `handle` in the list of what is transferred. */
export interface SocketHandoff {
  readonly handle: object
  /** What the far end said already. */
  readonly rest?: Uint8Array
}
