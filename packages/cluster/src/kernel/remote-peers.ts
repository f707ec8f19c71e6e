/**
 * Threads of other nodes, as the kernel sees them: each pair of a thread here and one there has a channel, whose far
 * end is the link. A thread is introduced when the other node has agreed, and its network is known.
 */
import {
  denied,
  type EntryId,
  errorToWire,
  notFound,
  type Pid,
  TroupeError,
  unavailable,
  type WireError,
} from '@troupe/core'
import { creditWord } from '@troupe/process/link'
import type { Kernel, RemoteThreads, Thread } from '@troupe/process/kernel'
import type { ChannelWords, PeerNetwork, ThreadMessage } from '@troupe/process/protocol'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import type { ReportedNode, ThreadPair } from '../protocol.ts'
import { clusterRequests } from '../request-rules.ts'
import { isLogged, mostMalformed } from './malformed-batches.ts'
import type { NodePolicy } from './node-policy.ts'

export interface RemotePeersOptions {
  readonly kernel: Kernel
  readonly policy: NodePolicy
  readonly node: string
  readonly maxMessage: number
  /** The thread of the link, while it runs. */
  readonly link: () => Thread | undefined
  /** The nodes that are members. */
  readonly living: () => readonly ReportedNode[]
}

/** Threads of other nodes to which one here may have channels. */
const mostChannels = 1024

/** The thread's end of a channel that is not introduced yet. */
interface Asked {
  readonly port: MessagePort
  readonly words: ChannelWords
}

export class RemotePeers implements RemoteThreads {
  readonly #options: RemotePeersOptions
  readonly #pairs = new Map<string, { readonly pair: ThreadPair; readonly asked: Asked | undefined }>()

  constructor(options: RemotePeersOptions) {
    this.#options = options
  }

  /** Takes part in the protocol of threads. `isLink`: whether a process is the link that runs now. */
  handle(isLink: (pid: Pid) => boolean, warn: (line: string) => void): void {
    const { kernel } = this.#options
    kernel.threads.remotes = this
    kernel.handle('pairWanted', clusterRequests.pairWanted, ({ overlay, ...pair }, { record }) => {
      if (isLink(record.pid)) this.wanted(pair, overlay)
    })
    kernel.handle('pairClosed', clusterRequests.pairClosed, ({ error, ...pair }, { record }) => {
      if (isLink(record.pid)) this.closed(pair, error)
    })
    kernel.handle('nodeMalformed', clusterRequests.nodeMalformed, ({ node, incarnation, why, count }, { record }) => {
      if (!isLink(record.pid) || !isLogged(count)) return
      const suspect = count >= mostMalformed ? 'it is suspect' : 'its session is reset'
      const times = count > mostMalformed ? `, ${count} times` : ''
      warn(`node ${node} (incarnation ${incarnation}) sent what cannot be read${times}, ${suspect}: ${why}`)
    })
  }

  /** A thread here sends to a place: the channel is opened as soon as the other node agrees. */
  reach(thread: Thread, place: string): void {
    const pair = { ...pairAt(place), near: thread.number }
    if (this.#pairs.has(keyOf(pair))) return
    const wrong = this.#refusal(pair, thread)
    if (wrong === undefined) this.#ask(pair, thread)
    else thread.post({ type: 'remoteGone', place, error: errorToWire(wrong) })
  }

  breach(thread: Thread, place: string, why: string): void {
    const pair = { ...pairAt(place), near: thread.number }
    if (!this.#pairs.delete(keyOf(pair))) return
    this.#post({ type: 'pairBroken', ...pair, why })
  }

  async may(place: string, action: string, target: Pid): Promise<boolean> {
    return this.#options.policy.may(pairAt(place).node, action, target)
  }

  /** A thread of another node, in the network `overlay`, wants to reach one here, or agrees to be reached. */
  wanted(pair: ThreadPair, overlay: EntryId | null): void {
    const known = this.#pairs.get(keyOf(pair))
    if (known !== undefined && known.asked === undefined) return
    const thread = this.#options.kernel.threads.get(pair.near)
    const wrong = this.#refusal(pair, thread)
    if (wrong !== undefined || thread === undefined) {
      known?.asked?.port.close()
      this.#pairs.delete(keyOf(pair))
      this.#post({ type: 'pairRefused', ...pair, error: errorToWire(wrong) })
      return
    }
    const asked = known?.asked ?? this.#ask(pair, thread)
    if (asked === undefined) return
    this.#pairs.set(keyOf(pair), { pair, asked: undefined })
    const { policy, node, maxMessage } = this.#options
    const isOwn = overlay === null && thread.network?.overlay === null
    const network: PeerNetwork = { overlay, isOwn, encoded: true, largest: maxMessage }
    const own = this.#options.living().find((each) => each.node === node)
    const message: ThreadMessage<'remoteChannel'> = {
      type: 'remoteChannel',
      place: placeOf(pair),
      port: asked.port,
      privileges: policy.privileges,
      network,
      words: asked.words,
      names: { sender: nameOf(pair), own: own === undefined ? node : nameOf(own) },
      acting: policy.acting(pair.node),
    }
    thread.post(message, [asked.port])
  }

  /** The channel of two threads is closed. */
  closed(pair: ThreadPair, error: WireError): void {
    const known = this.#pairs.get(keyOf(pair))
    if (known === undefined) return
    this.#pairs.delete(keyOf(pair))
    known.asked?.port.close()
    this.#options.kernel.threads.get(pair.near)?.post({ type: 'remoteGone', place: placeOf(pair), error })
  }

  /** The link has ended, and all its channels with it. */
  linkEnded(): void {
    const error = new TroupeError('Unavailable', 'the link of this node to the cluster has ended', {
      details: { code: 'nodedown' },
    })
    for (const { pair } of [...this.#pairs.values()]) this.closed(pair, errorToWire(error))
  }

  #channelsOf(near: number): number {
    return [...this.#pairs.values()].filter(({ pair }) => pair.near === near).length
  }

  #ask(pair: ThreadPair, thread: Thread): Asked | undefined {
    const { port1, port2 } = new MessageChannel()
    const [near, far] = [creditWord(), creditWord()]
    const asked = { port: port1, words: { credit: near, receipt: far } }
    this.#pairs.set(keyOf(pair), { pair, asked })
    const overlay = thread.network?.overlay ?? null
    const words = { credit: far, receipt: near }
    this.#post({ type: 'pairOpened', ...pair, overlay, port: port2, words }, port2)
    return asked
  }

  #post(message: ThreadMessage<'pairOpened' | 'pairRefused' | 'pairBroken'>, port?: MessagePort): void {
    this.#options.link()?.post(message, port === undefined ? [] : [port])
  }

  /** Why the two threads cannot be introduced. */
  #refusal(pair: ThreadPair, thread: Thread | undefined): TroupeError | undefined {
    const { node, incarnation, near } = pair
    const { kernel, living } = this.#options
    if (thread?.network === undefined || thread.gone) return notFound('its thread does not exist')
    const members = living()
    if (!members.some((each) => each.node === node && each.incarnation === incarnation)) {
      // A number that is larger than all known ones may be that of a node which has just joined.
      const isNew = members.every((each) => each.incarnation < incarnation)
      const what = `node ${node} (incarnation ${incarnation})`
      return isNew ? unavailable(`${what} is not known to be a member yet`) : notFound(`${what} is no member any more`)
    }
    if (!this.#pairs.has(keyOf(pair)) && this.#channelsOf(near) >= mostChannels)
      return unavailable(`a thread reaches at most ${mostChannels} threads of other nodes`)
    if (this.#options.link() === undefined) return unavailable('this node is not connected to its cluster')
    if (thread.isolated || thread.sealed)
      return denied('threads of operating-system processes do not reach other nodes, and are not reached from there')
    if (near !== 0 && kernel.privileges.of(near).policyEnforced)
      return denied(
        'threads whose code is governed by policies do not reach other nodes, and are not reached from there',
      )
    return undefined
  }
}

function pairAt(place: string): Omit<ThreadPair, 'near'> {
  const [name = '', thread = ''] = place.split('|')
  const [node = '', incarnation = ''] = name.split('~')
  return { node, incarnation: Number.parseInt(incarnation, 16), far: Number(thread) }
}

/** `web~3f` */
function nameOf({ node, incarnation }: ReportedNode): string {
  return `${node}~${incarnation.toString(16)}`
}

function placeOf(pair: ThreadPair): string {
  return `${nameOf(pair)}|${pair.far}`
}

function keyOf(pair: ThreadPair): string {
  return `${pair.near} ${placeOf(pair)}`
}
