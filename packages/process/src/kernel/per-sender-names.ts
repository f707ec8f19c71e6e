/**
 * Names of services that run one process for each network that sends to them: a name refers to the process of the
 * caller's network.
 */
import { type Pid, TroupeError } from '@troupe/core'
import type { Network } from './network/networks.ts'

/** Finds the process for a network, and starts it if it does not run. */
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

  /** The process to which a name refers in a network; `undefined` for names of other kinds. */
  find(name: string, network: Network | undefined): Promise<Pid> | undefined {
    return network && this.#names.get(name)?.(network)
  }
}
