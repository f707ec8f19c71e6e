/** Names of services that run a process for each network that sends to them: a name stands for that of the caller's network. */
import { type Pid, TroupeError } from '@troupe/core'
import type { Network } from './network/networks.ts'

/** Finds the process for a network; starts it, if it does not run. */
export type FindInstance = (network: Network) => Promise<Pid>

export class PerSenderNames {
  readonly #names = new Map<string, FindInstance>()

  /** @throws TroupeError `AlreadyExists` */
  checkFree(name: string): void {
    if (this.#names.has(name)) throw new TroupeError('AlreadyExists', `a service has the name "${name}" already`, { details: { name } })
  }

  /** @throws TroupeError `AlreadyExists` */
  add(name: string, find: FindInstance): void {
    this.checkFree(name)
    this.#names.set(name, find)
  }

  remove(name: string): void {
    this.#names.delete(name)
  }

  /** The process that a name stands for in a network; `undefined` for a name that is none of these. */
  find(name: string, network: Network | undefined): Promise<Pid> | undefined {
    return network && this.#names.get(name)?.(network)
  }
}
