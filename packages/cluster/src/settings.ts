/** What the kernel passes to the thread of the link. */

/** How to reach the servers. Only the thread of the link has it. */
export interface LinkSettings {
  readonly cluster: string
  readonly node: string
  /** Random: identifies this start of the link. */
  readonly boot: string
  /** Milliseconds. */
  readonly lease: number
  readonly replicas: number
  readonly servers: readonly string[]
  readonly login:
    | { readonly type: 'none' }
    | { readonly type: 'password'; readonly user: string; readonly password: string }
    /** The text of a file: the seed of an NKey, or a JWT with its seed. */
    | { readonly type: 'seed' | 'jwt'; readonly text: string }
  /** Present where TLS is required. */
  readonly tls?: { readonly ca?: string }
  readonly isOverlay: boolean
  /** Bytes of the largest message to another node. */
  readonly maxMessage: number
}

export const linkMethod = 'link'
