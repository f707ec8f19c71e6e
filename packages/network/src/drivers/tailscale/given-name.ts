/** The name that the tailnet gave a node. */
import type { NodeOptions } from './node-options.ts'

/** Reports a name that the node did not ask for: peers that use the other one reach another node. */
export class GivenName {
  readonly #options: Pick<NodeOptions, 'overlay' | 'hostname' | 'log'>
  #reported: string | undefined

  constructor(options: Pick<NodeOptions, 'overlay' | 'hostname' | 'log'>) {
    this.#options = options
  }

  /** Logs it once. @param name - The full name. */
  tell(name: string): void {
    const { overlay, hostname, log } = this.#options
    const [given = ''] = name.split('.')
    if (given === '' || given === hostname.toLowerCase() || given === this.#reported) return
    this.#reported = given
    log(`overlay ${overlay}: the tailnet named its node "${given}", not "${hostname}": another node may have that name`)
  }
}
