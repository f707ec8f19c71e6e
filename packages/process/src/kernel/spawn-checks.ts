/** What is checked of a process before it is started: what it accepts, and what it is started with from another network. */
import { checkCrossing, crossing } from '../crossing.ts'
import type { Accepts } from '../protocol.ts'
import type { Kernel } from './kernel.ts'
import type { Network } from './networks.ts'
import type { SpawnOrder } from './spawn-order.ts'

/** What a process of an order accepts: its entry's word, where that is a program. */
export function acceptsOf(kernel: Pick<Kernel, 'program' | 'registry'>, { program, entry, frame }: SpawnOrder): Accepts {
  const { registry } = kernel
  const isProgram = registry.has(entry) && registry.get(entry).kind === 'process.ts'
  if (program !== undefined && !isProgram) return frame.overlay === null ? 'any' : []
  return kernel.program(entry).accepts
}

/**
 * What a process is started with may come from another network: as plain data, and messages only where they are accepted.
 *
 * @throws TroupeError `Invalid`, `PermissionDenied` with the code `ENETWORK`.
 */
export function checkArguments({ from, entry, args, ports = [], messages = [] }: SpawnOrder, network: Network, accepts: Accepts): void {
  const sender = from?.network
  if (sender === undefined || sender.key === network.key) return
  const own: ReadonlySet<unknown> = new Set(ports)
  checkCrossing(
    args.filter((argument) => !own.has(argument)),
    'args',
  )
  for (const { payload } of messages) checkCrossing(payload, 'payload')
  if (messages.length === 0 || sender.overlay === null || accepts === 'any' || accepts.includes(sender.overlay)) return
  throw crossing({ to: entry, from: sender.overlay, receiver: network.overlay })
}
