/** A process that the kernel supervises: as a service, or as a child of a supervisor of processes. */
import { type EntryId, errorFromWire, type Frame, type Pid, TroupeError } from '@troupe/core'
import type { Kernel } from '../kernel/kernel.ts'
import type { Network } from '../kernel/network/networks.ts'
import type { Accepts, Program } from '../protocol/programs.ts'
import type { Role } from '../protocol/requests.ts'
import type { Exit } from '../thread/process/event-queue.ts'
import type { Running } from './service-instance.ts'

/** A process to start and supervise. */
export interface SupervisedProcess {
  readonly entry: EntryId
  /** The program to run. @default the program of the entry */
  readonly program?: Program
  readonly host: EntryId
  readonly args: readonly unknown[]
  readonly frame: Frame
  readonly name?: string
  /** @default according to the entry */
  readonly accepts?: Accepts
  /** @default the network of the frame */
  readonly network?: Network
  /** Milliseconds without a message, after which it is asked to stop. @default never */
  readonly idleTimeout?: number
  /** Milliseconds within which its module has to load. */
  readonly loadTimeout?: number
  /** The role in which it is started, which decides the requests that it may make. @default a process */
  readonly role?: Role
}

/** Starts it. @throws TroupeError like `Kernel.spawn` */
export function startProcess(
  kernel: Kernel,
  { loadTimeout, ...process }: SupervisedProcess,
): Running & { readonly pid: Pid } {
  const { promise: ended, resolve } = Promise.withResolvers<Exit>()
  const pid = kernel.spawn({
    ...process,
    program: {
      ...(process.program ?? kernel.program(process.entry).program),
      ...(loadTimeout !== undefined && { loadTimeout }),
    },
    onExit: (exit) => {
      resolve('error' in exit ? { error: errorFromWire(exit.error) } : exit)
    },
  })
  return { pid, ended, stop: async (hurry) => stopProcess(kernel, pid, ended, hurry) }
}

/** Asks a process to stop, and terminates it as soon as `hurry` aborts. Settles when it has ended. */
async function stopProcess(kernel: Kernel, pid: Pid, ended: Promise<Exit>, hurry: AbortSignal): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<'late'>()
  const onHurry = () => {
    resolve('late')
  }
  hurry.addEventListener('abort', onHurry)
  if (hurry.aborted) onHurry()
  else await kernel.cancel(pid, 'it is being stopped').catch(ignoreNotFound)
  const first = await Promise.race([ended, late])
  hurry.removeEventListener('abort', onHurry)
  if (first === 'late')
    await kernel.terminate(pid, new TroupeError('Canceled', 'it did not stop in time')).catch(ignoreNotFound)
}

/** It has ended in the meantime, as wanted. */
function ignoreNotFound(error: unknown): void {
  if (!(error instanceof TroupeError) || error.kind !== 'NotFound') throw error
}
