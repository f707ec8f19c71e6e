/** Thread side of `network.i2p`: streams on sockets of this thread, through the SAM v3 bridge of a router. */
import type { Driver } from '../../overlay/overlay.ts'
import { accept } from './accept.ts'
import { StreamDial } from './dial.ts'
import { destinationOf, formatTarget } from './destination.ts'
import { Failures } from './errors.ts'
import { resolve } from './names.ts'
import { i2p } from './route.ts'
import { associate } from './datagrams.ts'

/**
 * Dials by the session of the entry, which the kernel holds. Names and addresses are passed to the router unchanged; a
 * target outside I2P is refused here. The only name that this machine resolves is the bridge's host, if the operator
 * configured a name.
 */
export const i2pDriver = {
  name: i2p,
  async dial(route, target, options) {
    const destination = destinationOf(target)
    const text = formatTarget(target)
    const failures = new Failures(route.overlay, `a connection to ${text}`, text)
    if (options.signal?.aborted === true) throw failures.canceled()
    return new StreamDial(route, destination, options, failures).run()
  },
  accept,
  resolve,
  associate,
} satisfies Driver
