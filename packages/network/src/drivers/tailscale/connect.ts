/** Thread side of `network.tailscale`: connections through the sidecar's data socket. */
import type { Driver } from '../../overlay/overlay.ts'
import { destinationOf, formatTarget } from '../target.ts'
import { accept } from './accept.ts'
import { sendRequest } from './request.ts'
import { associate } from './datagrams.ts'
import { Failures } from './errors.ts'
import { resolve, reverse } from './names.ts'
import { tailscale } from './route.ts'
import { readEnds, showAddresses } from './socket-addresses.ts'

/** Names are sent to the sidecar as names; it resolves them in the tailnet only. */
export const tailscaleDriver = {
  name: tailscale,
  async dial(route, target, options) {
    const destination = destinationOf(target)
    const text = formatTarget(destination)
    const failures = new Failures(route, `a connection to ${text}`, text)
    const { socket, answer } = await sendRequest(
      route,
      { op: 'dial', fields: { ...destination }, read: readEnds, failures },
      options,
    )
    return showAddresses(socket, answer)
  },
  resolve,
  reverse,
  associate,
  accept,
} satisfies Driver
