/** Messages that the kernel puts into mailboxes itself, for senders that may have ended. */
import { type EntryId, isPid, type Pid, notFound, threadOf, type TroupeError } from '@troupe/core'
import type { LaterMessage } from '../later/later-message.ts'
import type { DeliveryOutcome } from '../protocol/kernel-thread.ts'
import { checkEncodable, crossing } from '../protocol/network-crossing.ts'
import type { Thread } from '../worker-threads/thread.ts'
import type { ThreadTable } from '../worker-threads/thread-table.ts'
import type { Authorizer } from './authorization/authorizer.ts'
import type { Networks } from './network/networks.ts'
import type { ProcessDiscovery } from './process-discovery.ts'
import type { ProcessTable } from './process-table.ts'
import type { ServiceNames } from './service-names.ts'

interface Parts {
  readonly authorizer: Authorizer
  readonly discovery: ProcessDiscovery
  readonly networks: Networks
  readonly processes: ProcessTable
  readonly serviceNames: ServiceNames
  readonly threads: ThreadTable
}

interface Pending {
  readonly to: Pid
  readonly thread: number
  readonly overlay: EntryId | null
  readonly accepted: PromiseWithResolvers<void>
  readonly handled: PromiseWithResolvers<void>
}

/** A message that a mailbox has accepted. */
export interface Delivered {
  /** Settles when the receiver asks for its next message, or has ended. */
  readonly handled: Promise<void>
}

export class Deliveries {
  readonly #kernel: Parts
  readonly #pending = new Map<number, Pending>()
  readonly #numbers = new Map<Pid, Set<number>>()
  #last = 0

  constructor(kernel: Parts) {
    this.#kernel = kernel
  }

  /**
   * Sends a message. Settles when the receiver's mailbox has accepted it.
   *
   * @throws TroupeError `NotFound`; `PermissionDenied` where policies, or the receiver's network, refuse it;
   *   `Unavailable` when the sender's network is no longer the one that it was.
   */
  async deliver(message: LaterMessage): Promise<Delivered> {
    const { authorizer, discovery, networks, threads } = this.#kernel
    const { from, topic, payload, frame, acting, network } = message
    networks.check(network)
    const to = await this.#find(message)
    const sender = { pid: from, entry: undefined, frame: acting, host: undefined, onExit: undefined }
    const receiver = await authorizer.target(sender, 'process.send', to, async (pid) => discovery.find(pid))
    authorizer.checkTarget(sender, 'process.send', receiver)
    const thread = threads.get(threadOf(to))
    if (thread === undefined) throw gone(to)
    if (thread.isolated) checkEncodable(payload, 'payload')
    const number = (this.#last += 1)
    const [accepted, handled] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    this.#add(number, { to, thread: thread.number, overlay: network.overlay, accepted, handled })
    const isOwn = thread.network?.key === network.key
    thread.post({
      type: 'deliver',
      number,
      message: { to, from, topic, payload, frame, network: { overlay: network.overlay, isOwn } },
    })
    await accepted.promise
    return { handled: handled.promise }
  }

  /** What a thread reports of a message. */
  onReport(number: number, outcome: DeliveryOutcome, thread: Thread): void {
    const pending = this.#pending.get(number)
    if (pending === undefined || pending.thread !== thread.number) return
    // One that a full mailbox dropped is handled at once.
    if (outcome === 'accepted' || outcome === 'handled') pending.accepted.resolve()
    if (outcome !== 'accepted')
      this.#settle(number, outcome === 'refused' ? this.#refused(pending, thread) : gone(pending.to))
  }

  /** A process has ended: it handles nothing more. */
  processEnded(pid: Pid): void {
    for (const number of this.#numbers.get(pid) ?? []) this.#settle(number, gone(pid))
  }

  #add(number: number, pending: Pending): void {
    this.#pending.set(number, pending)
    const known = this.#numbers.get(pending.to)
    if (known === undefined) this.#numbers.set(pending.to, new Set([number]))
    else known.add(number)
  }

  /** @param error - Of a message that was not accepted. */
  #settle(number: number, error: TroupeError): void {
    const pending = this.#pending.get(number)
    if (pending === undefined) return
    this.#pending.delete(number)
    const numbers = this.#numbers.get(pending.to)
    numbers?.delete(number)
    if (numbers?.size === 0) this.#numbers.delete(pending.to)
    pending.accepted.reject(error)
    pending.handled.resolve()
  }

  #refused({ to, overlay }: Pending, { network }: Thread): TroupeError {
    return crossing({ to, from: overlay, receiver: network?.overlay ?? null })
  }

  async #find({ to, network }: LaterMessage): Promise<Pid> {
    if (isPid(to)) return to
    const { serviceNames, processes } = this.#kernel
    const found = (await serviceNames.find(to, network)) ?? processes.lookup(to)
    if (found !== undefined) return found
    throw notFound(`there is no process "${to}"`, { name: to })
  }
}

function gone(pid: Pid): TroupeError {
  return notFound(`process ${pid} does not exist: it has ended, or never started`, { pid })
}
