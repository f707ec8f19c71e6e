/** Requests about networks: choosing one, its routes, dials of sealed threads, and addresses to listen at. */
import { denied, invalid } from '@troupe/core'
import type { BindOptions } from '@troupe/network'
import { handoffRoute } from '@troupe/network/kernel'
import { checkBinding } from '@troupe/policy/kernel'
import type { Requests } from '../../protocol/requests.ts'
import type { KernelParts } from '../kernel-parts.ts'
import type { OwnHandlers, Requester } from '../request-handler.ts'
import { clearNetwork, describeNetwork } from './networks.ts'
import { grantedRoute, settledInTime } from './route-grants.ts'

const maxPort = 65_535

type Parts = Pick<
  KernelParts,
  | 'addresses'
  | 'bindings'
  | 'dials'
  | 'frames'
  | 'grants'
  | 'networks'
  | 'overlays'
  | 'processes'
  | 'security'
  | 'threads'
>

type NetworkRequest =
  | 'select'
  | 'route'
  | 'dial'
  | 'cancelDial'
  | 'resolve'
  | 'leaseAddresses'
  | 'isAddressLeased'
  | 'bind'
  | 'unbind'

export function networkHandlers(kernel: Parts): Pick<OwnHandlers, NetworkRequest> {
  return {
    select: ({ overlay }, { record, thread }) =>
      kernel.frames.select({ frame: record.frame, thread: thread.number }, overlay),
    route: async ({ overlay }, requester) => {
      const granted = await grantedRoute(kernel, overlay, requester)
      return requester.thread.sealed ? handoffRoute(granted) : granted
    },
    dial: (ask, requester) => kernel.dials.dial(ask, requester),
    cancelDial: ({ request }, { thread }) => kernel.dials.cancel(thread.number, request),
    resolve: (ask, requester) => kernel.dials.resolve(ask, requester),
    leaseAddresses: ({ back }, { thread }) => kernel.addresses.lease(thread.number, back),
    isAddressLeased: ({ number }) => kernel.addresses.isLeased(number),
    bind: (ask, requester) => bind(kernel, ask, requester),
    unbind: ({ number }, { record }) => kernel.bindings.release(record.pid, number),
  }
}

/** Policies are checked for each address, regardless of how its overlay came into force. */
async function bind(
  { overlays, security, bindings, processes }: Pick<Parts, 'bindings' | 'overlays' | 'processes' | 'security'>,
  { overlay, options }: Requests['bind']['ask'],
  { record, thread }: Requester,
) {
  if (thread.network?.overlay !== overlay && !bindings.isAllowed(record.pid, overlay)) {
    throw denied(
      `${record.pid} does not listen on overlay ${overlay}: its thread ` +
        `runs in ${describeNetwork(thread.network ?? clearNetwork)}`,
      {
        action: 'network.bind',
        resource: overlay,
      },
    )
  }
  checkBinding(security, record.frame, overlay)
  overlays.get(overlay)
  await settledInTime(overlays.settled(overlay), overlay)
  const binding = await overlays.bind(overlay, checkBindOptions(options))
  return bindings.hold(record.pid, binding, () => processes.get(record.pid) !== undefined)
}

function checkBindOptions({ port, tls = false }: BindOptions): BindOptions {
  if (Number.isInteger(port) && port >= 0 && port <= maxPort && typeof tls === 'boolean') return { port, tls }
  throw invalid(`a port is a whole number of 0 to ${maxPort}`, { port })
}
