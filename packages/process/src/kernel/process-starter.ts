/** Starts processes in their frames: checks the order, finds a place in a host, and records the process. */
import type { Pid } from '@troupe/core'
import type { KernelParts } from './kernel-parts.ts'
import { acceptsOf, checkArguments } from './spawn-checks.ts'
import type { SpawnOrder } from './spawn-order.ts'

type Parts = Pick<
  KernelParts,
  'grants' | 'hosts' | 'networks' | 'serviceNames' | 'processes' | 'program' | 'registry' | 'threads'
>

export class ProcessStarter {
  readonly #kernel: Parts

  constructor(kernel: Parts) {
    this.#kernel = kernel
  }

  /** Starts a process in its frame. */
  start(order: SpawnOrder): Pid {
    const { grants, hosts, networks, serviceNames, processes, threads } = this.#kernel
    const program = order.program ?? this.#kernel.program(order.entry).program
    const host = hosts.get(order.host)
    if (order.name !== undefined) {
      serviceNames.checkFree(order.name)
      processes.checkFree(order.name)
    }
    const { frame } = order
    const network = order.network ?? networks.ofProcess(frame)
    const accepts = order.accepts ?? acceptsOf(this.#kernel, order)
    checkArguments(order, network, accepts, host.isolated)
    const place = host.place(network)
    const { pid, thread } = place
    processes.add({
      pid,
      entry: order.entry,
      frame,
      host,
      accepts,
      onExit: order.onExit,
      by: order.by,
      isCommand: program.isCommand,
      role: order.role,
    })
    thread.pids.add(pid)
    thread.programs.add(order.entry)
    if (order.name !== undefined) processes.register(order.name, pid)
    grants.grantFrame(thread.number, frame)
    place.start(
      {
        program,
        args: order.args,
        frame,
        accepts,
        ...(order.idleTimeout !== undefined && { idleTimeout: order.idleTimeout }),
        watchers: order.monitor === undefined ? [] : [order.monitor],
        links: order.link === undefined ? [] : [order.link],
        messages: order.messages ?? [],
      },
      order.ports,
    )
    // Connects after the start, because the process may not need the channel at once and should not wait for it.
    if (order.from !== undefined && order.from !== thread) threads.connect(order.from, thread.number)
    return pid
  }
}
