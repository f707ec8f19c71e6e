/** The requests that threads can send to the kernel, and their handlers. */
import { denied, type EntryId, invalid, type Pid, unavailable, withDeadline } from '@troupe/core'
import type { BindOptions, Route } from '@troupe/network'
import { handoffRoute } from '@troupe/network/kernel'
import { checkBinding, directNetwork } from '@troupe/policy/kernel'
import type { KnownProgram } from '../protocol/programs.ts'
import type { Requests } from '../protocol/requests.ts'
import type { KernelParts } from './kernel-parts.ts'
import { clearNetwork, describeNetwork } from './network/networks.ts'
import type { ProcessRecord } from './process-table.ts'
import type { Handlers, Requester } from './request-handler.ts'
import { securityHandlers } from './security-requests.ts'
import type { Thread } from '../worker-threads/thread.ts'

/** Milliseconds that a dial waits for an overlay that is being replaced. */
const handOverTime = 15_000
const maxPort = 65_535

/** The requests that the kernel handles by itself. */
export function builtInHandlers(kernel: KernelParts): Handlers {
  const { processes, registry, authorizer, discovery } = kernel
  return {
    ...securityHandlers(kernel),
    spawn: (ask, requester) => ({ pid: spawn(kernel, ask, requester) }),
    terminate: async ({ pid }, { record }) => {
      authorizer.checkTarget(record, 'process.terminate', await discovery.find(pid))
      await kernel.terminate(pid)
    },
    cancel: async ({ pid, reason }, { record }) => {
      authorizer.checkTarget(record, 'process.cancel', await discovery.find(pid))
      await kernel.cancel(pid, reason)
    },
    program: ({ entry }, { record, thread }) => {
      const known = kernel.program(entry)
      authorizer.checkProgram(record, entry)
      thread.programs.add(entry)
      return known
    },
    upgrade: ({ entry }, { record, thread }) => {
      checkPin(kernel.program(entry), record, thread)
      authorizer.checkProgram(record, entry)
      processes.upgrade(record, entry)
    },
    register: async ({ name, pid }, { record }) => {
      await discovery.find(pid)
      kernel.perSender.checkFree(name)
      authorizer.checkName(record, 'register', name, pid)
      processes.register(name, pid)
    },
    unregister: ({ name }, { record }) => {
      authorizer.checkName(record, 'unregister', name, processes.lookup(name))
      processes.unregister(name)
    },
    lookup: async ({ name }, { thread }) => kernel.perSender.find(name, thread.network) ?? processes.lookup(name),
    joinGroup: async ({ group, pid }, { record }) => {
      await kernel.discovery.find(pid)
      authorizer.checkGroup(record, 'join', group, pid)
      processes.groups.join(group, pid)
    },
    leaveGroup: ({ group, pid }, { record }) => {
      authorizer.checkGroup(record, 'leave', group, pid)
      processes.groups.leave(group, pid)
    },
    broadcastTo: ({ group }, { record }) => {
      authorizer.checkGroup(record, 'broadcast', group)
      return processes.members(group)
    },
    groupMembers: ({ group }) => processes.members(group),
    select: ({ overlay }, { record, thread }) => kernel.frames.select({ frame: record.frame, thread: thread.number }, overlay),
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
    entry: ({ id }, { record }) => {
      authorizer.check(record, 'registry.get', id)
      return registry.get(id)
    },
    entries: (query, { record }) => registry.find(query).filter(({ id }) => authorizer.allows(record, 'registry.get', id)),
    getEnv: ({ name }, { record }) => {
      authorizer.check(record, 'env.get', name)
      return registry.env.get(registry.env.namesOf(name)[0])
    },
    setEnv: ({ name, value }, { record }) => {
      authorizer.check(record, 'env.set', name)
      registry.env.set(registry.env.namesOf(name)[0], value)
    },
  }
}

function spawn(kernel: KernelParts, ask: Requests['spawn']['ask'], { record, thread }: Requester): Pid {
  const { entry, host, args, choice, inherit, name, monitor, link } = ask
  const caller = { frame: record.frame, thread: thread.number }
  kernel.authorizer.checkSpawn(record, ask)
  const overlay = kernel.frames.overlay(caller, choice, kernel.program(entry).pin, inherit)
  const sender = {
    from: record.pid,
    frame: kernel.frames.forCall(record.frame, record.frame.overlay, {}, inherit),
  }
  return kernel.spawn({
    entry,
    host,
    args,
    frame: kernel.frames.forProcess(record.frame, overlay, choice, inherit),
    from: thread,
    by: record.pid,
    messages: (ask.messages ?? []).map((message) => ({ ...message, ...sender })),
    ...(name !== undefined && { name }),
    ...(monitor && { monitor: { ...monitor, pid: record.pid } }),
    ...(link !== undefined && { link: record.pid }),
  })
}

/** A process stays in its network, regardless of the program that it runs. @throws TroupeError `Invalid` */
function checkPin({ pin }: KnownProgram, { pid }: ProcessRecord, { network }: Thread): void {
  if (pin === undefined || pin === network?.overlay) return
  throw invalid(`${pid} cannot become an entry that is pinned to another network: start a new process`, { pin })
}

/** Waits, for a limited time, for an overlay that is being replaced. */
async function settledInTime(settled: Promise<void>, overlay: EntryId): Promise<void> {
  await withDeadline(settled, handOverTime, () =>
    unavailable(`overlay ${overlay} is being replaced, and was not available again within ${handOverTime} ms`, { overlay }),
  )
}

/** A permission check for a plain socket. */
export interface SocketDeed {
  readonly action: string
  /** An address or a name. */
  readonly resource: string
  readonly port: number | undefined
}

/**
 * Checks that a sealed thread may use the clear network: only if it is the thread's own network, or was granted for a
 * request.
 *
 * @throws TroupeError `PermissionDenied`
 */
export function permitClear(
  { grants, authorizer }: KernelParts,
  { record, thread }: Requester,
  { action, resource, port }: SocketDeed,
): void {
  const { frame } = record
  const isClear = thread.network?.overlay === null && (frame.overlay === undefined || grants.grantOf(frame).isValid)
  if (!isClear && !grants.holds(thread.number, null)) {
    throw denied(`the clear network was not granted to ${record.pid}: it is not in force there, and was not chosen`, {
      action: 'network.select',
      resource: directNetwork,
    })
  }
  if (authorizer.governs(record)) authorizer.checkOwnAction(record, action, resource, port === undefined ? {} : { port })
}

/**
 * Returns the route of an overlay. Only threads of the overlay's network get it, and threads that were granted it for
 * requests of the HTTP client.
 */
export async function grantedRoute(
  { overlays, threads, grants, networks }: KernelParts,
  overlay: EntryId,
  { record, thread }: Requester,
): Promise<Route> {
  overlays.get(overlay)
  await settledInTime(overlays.settled(overlay), overlay)
  const { network } = thread
  const isOwn = network?.overlay === overlay
  if (isOwn) networks.check(network)
  const stands = record.frame.overlay === overlay && grants.grantOf(record.frame).isValid
  if ((isOwn && (stands || threads.defaultOverlay === overlay)) || grants.holds(thread.number, overlay)) return overlays.route(overlay)
  throw denied(`overlay ${overlay} was not granted to ${record.pid}: it is not in force there, and was not chosen`, {
    action: 'network.select',
    resource: overlay,
  })
}

/** Policies are checked for each address, regardless of how its overlay came into force. */
async function bind(
  { overlays, security, bindings, processes }: KernelParts,
  { overlay, options }: Requests['bind']['ask'],
  { record, thread }: Requester,
) {
  overlays.get(overlay)
  if (thread.network?.overlay !== overlay && !bindings.isAllowed(record.pid, overlay)) {
    throw denied(
      `${record.pid} does not listen on overlay ${overlay}: its thread runs in ${describeNetwork(thread.network ?? clearNetwork)}`,
      {
        action: 'network.bind',
        resource: overlay,
      },
    )
  }
  checkBinding(security, record.frame, overlay)
  await settledInTime(overlays.settled(overlay), overlay)
  const binding = await overlays.get(overlay).bind(checkBindOptions(options))
  return bindings.hold(record.pid, binding, () => processes.get(record.pid) !== undefined)
}

function checkBindOptions({ port, tls = false }: BindOptions): BindOptions {
  if (Number.isInteger(port) && port >= 0 && port <= maxPort && typeof tls === 'boolean') return { port, tls }
  throw invalid(`a port is a whole number of 0 to ${maxPort}`, { port })
}
