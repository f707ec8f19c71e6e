/** The channels between threads: the kernel introduces two threads to each other, and cuts the channel between them. */
import { errorToWire, notFound, TroupeError } from '@troupe/core'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import type { ChannelWords, Privileges } from '../protocol/kernel-thread.ts'
import { creditWord } from '../shared-memory/credit.ts'
import type { Thread } from './thread.ts'

/**
 * Connects two threads with a channel, once. If the other does not exist, the first is notified that it has ended.
 *
 * @param privileges - Returns the privileges of a thread, for its peers.
 */
export function connect(
  thread: Thread,
  number: number,
  other: Thread | undefined,
  privileges: (thread: number) => Privileges,
): void {
  if (thread.peers.has(number)) return
  if (thread.severed.has(number)) {
    thread.post({ type: 'gone', thread: number, error: errorToWire(severed(number)) })
    return
  }
  // No code runs in a thread without a network.
  if (other?.network === undefined || other === thread || thread.network === undefined) {
    thread.post({ type: 'gone', thread: number, error: errorToWire(notFound('its thread does not exist')) })
    return
  }
  const { port1, port2 } = new MessageChannel()
  thread.peers.add(number)
  other.peers.add(thread.number)
  const isOwn = thread.network !== undefined && thread.network.key === other.network?.key
  const encoded = thread.isolated || other.isolated
  const network = ({ network: known }: Thread) => ({
    overlay: known?.overlay ?? null,
    isOwn,
    ...(encoded && { encoded }),
  })
  const [near, far] = [creditWord(), creditWord()]
  const introduce = (to: Thread, peer: Thread, port: MessagePort, words: ChannelWords) => {
    const known = { privileges: privileges(peer.number), network: network(peer) }
    // The kernel itself uses the words of an operating-system process, which shares no memory.
    to.post({ type: 'channel', thread: peer.number, port, ...known, words }, [port])
  }
  introduce(thread, other, port1, { credit: near, receipt: far })
  introduce(other, thread, port2, { credit: far, receipt: near })
}

/** Cuts the channel between two threads, because the first requested it. The other is notified. */
export function sever(thread: Thread, number: number, other: Thread | undefined): void {
  if (!thread.peers.delete(number)) return
  thread.severed.add(number)
  thread.correspondents.delete(number)
  other?.peers.delete(thread.number)
  other?.severed.add(thread.number)
  other?.correspondents.delete(thread.number)
  other?.post({ type: 'gone', thread: thread.number, error: errorToWire(severed(thread.number)) })
}

function severed(thread: number): TroupeError {
  const what = `the channel between thread ${thread} and this one was cut: one broke the protocol`
  return new TroupeError('Unavailable', what, { details: { thread } })
}
