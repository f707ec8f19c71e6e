/** The links of this node to the other nodes that live: one for each incarnation. */
import { createHash } from 'node:crypto'
import { errorToWire, TroupeError, type WireError } from '@troupe/core'
import type { LinkMessages, ReportedNode, ThreadPair } from '../protocol.ts'
import { NodeLink, type NodeLinkOptions } from './node-link.ts'

/** The way to the servers, while there is one. */
export interface Way {
  /** Bytes that the servers accept as one message. */
  readonly largestBatch: number
  publish(node: string, bytes: Uint8Array): void
}

export interface NodeLinksOptions extends Pick<NodeLinkOptions, 'maxMessage' | 'now' | 'onWanted' | 'onClosed'> {
  readonly node: string
  readonly onMalformed: (node: ReportedNode, why: string, count: number) => void
}

export class NodeLinks {
  readonly #options: NodeLinksOptions
  readonly #links = new Map<string, { readonly incarnation: number; readonly link: NodeLink }>()
  #incarnation: number | undefined
  #way: Way | undefined
  #largestBatch = 1 << 20

  constructor(options: NodeLinksOptions) {
    this.#options = options
  }

  /** The members of the cluster, and the incarnation of this node while it is one. */
  members(living: readonly ReportedNode[], incarnation: number | undefined): void {
    const own = this.#options.node
    const others = new Map(living.map((each) => [each.node, each.incarnation]))
    for (const [node, known] of [...this.#links]) {
      if (incarnation !== undefined && incarnation === this.#incarnation && others.get(node) === known.incarnation)
        continue
      this.#links.delete(node)
      const isOwn = incarnation !== this.#incarnation
      known.link.end(isOwn ? nodeDown(own, this.#incarnation ?? 0) : nodeDown(node, known.incarnation))
    }
    this.#incarnation = incarnation
    if (incarnation === undefined) return
    for (const [node, other] of others)
      if (node !== own && !this.#links.has(node)) this.#links.set(node, this.#open(node, other, incarnation))
  }

  /** The connection works, from now on or again: what was sent before may be lost. */
  connected(way: Way): void {
    this.#way = way
    this.#largestBatch = way.largestBatch
    for (const { link } of this.#links.values()) link.reconnected()
  }

  disconnected(): void {
    this.#way = undefined
    for (const { link } of this.#links.values()) link.disconnected()
  }

  /** A node has published these bytes for this node, as the servers guarantee. */
  receive(node: string, bytes: Uint8Array): void {
    this.#links.get(node)?.link.receive(bytes)
  }

  opened(message: LinkMessages['pairOpened']): void {
    const link = this.#linkOf(message)
    if (link !== undefined) link.opened(message)
    else {
      message.port.close()
      const { node, incarnation, near, far } = message
      this.#options.onClosed({ node, incarnation, near, far }, gone(message))
    }
  }

  refused(message: LinkMessages['pairRefused']): void {
    this.#linkOf(message)?.refused(message)
  }

  broken(message: LinkMessages['pairBroken']): void {
    this.#linkOf(message)?.broken(message)
  }

  #linkOf({ node, incarnation }: ThreadPair): NodeLink | undefined {
    const known = this.#links.get(node)
    return known?.incarnation === incarnation ? known.link : undefined
  }

  #open(node: string, incarnation: number, own: number) {
    const { maxMessage, now, onWanted, onClosed, onMalformed } = this.#options
    const about = { node, incarnation }
    const link = new NodeLink({
      node: about,
      pair: pairOf(`${this.#options.node}~${own}`, `${node}~${incarnation}`),
      maxMessage,
      largestBatch: this.#largestBatch,
      now,
      publish: (bytes) => {
        this.#way?.publish(node, bytes)
      },
      onWanted,
      onClosed,
      onMalformed: (why, count) => {
        onMalformed(about, why, count)
      },
    })
    if (this.#way === undefined) link.disconnected()
    return { incarnation, link }
  }
}

function nodeDown(node: string, incarnation: number): TroupeError {
  return new TroupeError('Unavailable', `node ${node} (incarnation ${incarnation}) is no member any more`, {
    retryable: false,
    details: { code: 'nodedown', node, incarnation },
  })
}

function gone({ node, incarnation }: ReportedNode): WireError {
  return errorToWire(nodeDown(node, incarnation))
}

/** The same number at both ends. */
function pairOf(one: string, other: string): bigint {
  const digest = createHash('sha256').update([one, other].toSorted().join(' ')).digest()
  return BigInt(digest.readUIntBE(0, 6))
}
