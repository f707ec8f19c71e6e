/** Names of processes, kept by the kernel. A name goes when its process does. */
import type { Pid } from '@troupe/core'
import { currentRuntime } from '../thread/current.ts'
import { currentParticipant } from '../thread/participant.ts'

export const names = {
  /**
   * Gives a process a name.
   *
   * @param pid the process; by default the one that runs
   * @throws TroupeError `AlreadyExists` when another process has the name, `NotFound` when the process is not there.
   */
  async register(name: string, pid?: Pid): Promise<void> {
    const by = currentParticipant().pid
    await currentRuntime().kernel.request('register', { name, pid: pid ?? by }, by)
  },

  /** The process of that name, if any. */
  lookup(name: string): Promise<Pid | undefined> {
    return currentRuntime().kernel.request('lookup', { name }, currentParticipant().pid)
  },

  /** Takes a name away. */
  async unregister(name: string): Promise<void> {
    await currentRuntime().kernel.request('unregister', { name }, currentParticipant().pid)
  },
}
