/**
 * Checks before a process is started: from which networks it accepts messages, and what it is started with from another
 * network.
 */
import { type Pid, threadOf } from '@troupe/core'
import { checkCrossing, checkEncodable, crossing } from '../protocol/network-crossing.ts'
import type { Accepts } from '../protocol/programs.ts'
import type { KernelParts } from './kernel-parts.ts'
import type { Network } from './network/networks.ts'
import type { SpawnOrder } from './spawn-order.ts'
import type { Thread } from '../worker-threads/thread.ts'

/** The networks that a process of an order accepts: as its entry states, if the entry is a program. */
export function acceptsOf(
  kernel: Pick<KernelParts, 'program' | 'registry'>,
  { program, entry, frame }: SpawnOrder,
): Accepts {
  const { registry } = kernel
  const isProgram = registry.has(entry) && registry.get(entry).kind === 'process.ts'
  if (program !== undefined && !isProgram) return frame.overlay === null ? 'any' : []
  return kernel.program(entry).accepts
}

/**
 * Checks the arguments and messages with which a process is started. From another network they must be plain data, and
 * messages must be accepted.
 *
 * @throws TroupeError `Invalid`; `PermissionDenied` with the code `ENETWORK`.
 */
export function checkArguments(
  { from, entry, args, ports = [], messages = [], isSentTo }: SpawnOrder,
  network: Network,
  accepts: Accepts,
  isEncoded = false,
): void {
  if (isEncoded) {
    checkEncodable(args, 'args')
    for (const { payload } of messages) checkEncodable(payload, 'payload')
  }
  const sender = from?.network
  if (sender === undefined || sender.key === network.key) return
  const own: ReadonlySet<unknown> = new Set(ports)
  checkCrossing(
    args.filter((argument) => !own.has(argument)),
    'args',
  )
  for (const { payload } of messages) checkCrossing(payload, 'payload')
  if (messages.length > 0 || isSentTo === true) checkAccepts({ to: entry, accepts, network }, sender)
}

/** The receiver of messages. */
interface Receiver {
  /** Its name in errors. */
  readonly to: string
  readonly accepts: Accepts
  readonly network: Network
}

/** @throws TroupeError `PermissionDenied` with the code `ENETWORK` */
function checkAccepts({ to, accepts, network }: Receiver, sender: Network): void {
  if (sender.overlay === null || sender.key === network.key || accepts === 'any' || accepts.includes(sender.overlay))
    return
  throw crossing({ to, from: sender.overlay, receiver: network.overlay })
}

/**
 * Whether a process accepts the messages that a thread is about to send it.
 *
 * @param to - The name of the process in errors.
 * @throws TroupeError `PermissionDenied` with the code `ENETWORK`
 */
export function checkReceiver(
  kernel: Pick<KernelParts, 'processes' | 'program' | 'threads'>,
  pid: Pid,
  to: string,
  from: Thread,
): void {
  const record = kernel.processes.get(pid)
  const network = kernel.threads.get(threadOf(pid))?.network
  if (record?.entry === undefined || network === undefined || from.network === undefined) return
  checkAccepts({ to, network, accepts: record.accepts ?? kernel.program(record.entry).accepts }, from.network)
}
