/**
 * Names of services that run several processes: one for each network that sends to them, or a number of replicas. A
 * name refers to one of the processes, at each look-up.
 */
import { type Pid, TroupeError } from '@troupe/core'
import type { Network } from './network/networks.ts'

/** Finds a process for a caller in that network; `undefined` when there is none. */
export type FindInstance = (network: Network | undefined) => Promise<Pid> | Pid | undefined

export class ServiceNames {
  readonly #names = new Map<string, FindInstance>()

  /** @throws TroupeError `AlreadyExists` */
  checkFree(name: string): void {
    if (this.#names.has(name))
      throw new TroupeError('AlreadyExists', `a service has the name "${name}" already`, { details: { name } })
  }

  /** @throws TroupeError `AlreadyExists` */
  add(name: string, find: FindInstance): void {
    this.checkFree(name)
    this.#names.set(name, find)
  }

  remove(name: string): void {
    this.#names.delete(name)
  }

  /** The process to which a name refers in a network; `undefined` for names of other kinds. */
  find(name: string, network: Network | undefined): Promise<Pid> | Pid | undefined {
    return this.#names.get(name)?.(network)
  }
}
