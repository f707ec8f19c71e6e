/**
 * Connections that the kernel opens for threads of sealed hosts, which cannot open any themselves. The kernel decides
 * here, against its own records, where such a thread may connect. The thread receives the connection, and no address or
 * credentials of an overlay.
 */
import type { LookupAddress } from 'node:dns'
import { isIP, type LookupFunction, type Socket } from 'node:net'
import {
  denied,
  type EntryId,
  invalid,
  isEntryId,
  runInFrame,
  startDeadline,
  stopTimer,
  TroupeError,
  Semaphore,
} from '@troupe/core'
import {
  dial,
  type ConnectRequest,
  type SocketHandoff,
  handOver,
  type ResolvedAddress,
  type Route,
} from '@troupe/network'
import { connectDirect, isPrivateAddress, lookupDirect, systemLookup } from '@troupe/network/kernel'
import { z } from 'zod'
import type { Requests } from '../../protocol/requests.ts'
import { sealedFrame } from '../observation/sealed-spans.ts'
import type { Requester } from '../request-handler.ts'

/**
 * Maximum number of pending dials per thread. Threads stay below it by themselves (`thread/network/kernel-dialer.ts`).
 */
const maxPending = 512
/**
 * Maximum number of names resolved at a time per thread: the operating system resolves few at once for the whole
 * process.
 */
const maxLookups = 2
const maxTimeout = 130_000
const maxHost = 1024
/** The maximum length of keys that keep connections apart. */
const maxKey = 256

const schema = z.strictObject({
  connectRequest: z.strictObject({
    overlay: z.custom<EntryId | null>(
      (value) => value === null || (typeof value === 'string' && isEntryId(value)),
      'expected an overlay or null',
    ),
    target: z.strictObject({ host: z.string().min(1).max(maxHost), port: z.int().min(1).max(65_535) }),
    family: z.union([z.literal(4), z.literal(6)]).optional(),
    localAddress: z
      .string()
      .refine((address) => isIP(address) !== 0, 'expected an address')
      .optional(),
    localPort: z.int().min(1).max(65_535).optional(),
  }),
  timeout: z.number().min(0),
  key: z.string().min(1).max(maxKey).optional(),
})

export type SocketAction = 'socket.connect' | 'socket.resolve' | 'socket.private_ip'

export interface KernelDialsOptions {
  /** Returns the route of an overlay that is in force for the caller. Throws if it is not in force. */
  readonly route: (overlay: EntryId, requester: Requester) => Promise<Route>
  /**
   * Throws if the clear network is not in force for the caller, or if its access to an address or a name is denied.
   */
  readonly permitClear: (requester: Requester, action: SocketAction, resource: string, port?: number) => void
}

type DialRequest = Requests['dial']['ask']

/** The pending dials and look-ups of a thread. */
interface Pending {
  readonly dials: Map<number, AbortController>
  readonly lookups: Semaphore
}

interface Limits {
  readonly key: string | undefined
  readonly signal: AbortSignal
  readonly timeout: number
  readonly lookups: Semaphore
}

export class KernelDials {
  readonly #options: KernelDialsOptions
  readonly #pending = new Map<number, Pending>()

  constructor(options: KernelDialsOptions) {
    this.#options = options
  }

  /** @throws TroupeError `Invalid`, `PermissionDenied`, `RateLimited`, and the errors of the dial. */
  async dial(asked: DialRequest, requester: Requester): Promise<SocketHandoff> {
    const { connectRequest, timeout, key } = parse(asked)
    const { thread, number, transfer } = requester
    if (!thread.sealed) throw denied(`thread ${thread.number} opens its connections itself`)
    const { dials, lookups } = this.#of(thread.number)
    if (dials.size >= maxPending || dials.has(number)) {
      throw new TroupeError('RateLimited', `a thread may have ${maxPending} connections under way`, {
        details: { max: maxPending },
      })
    }
    const abort = new AbortController()
    dials.set(number, abort)
    const limit = Math.min(timeout, maxTimeout)
    const { host, port } = connectRequest.target
    const timer = startDeadline(() => {
      abort.abort(
        new TroupeError('Timeout', `no connection to ${host}:${port} within ${limit} ms`, { details: { host, port } }),
      )
    }, limit)
    try {
      const socket = await this.#open(connectRequest, requester, { signal: abort.signal, timeout: limit, lookups, key })
      if (abort.signal.aborted) {
        socket.destroy()
        throw abort.signal.reason
      }
      const handed = await handOver(socket)
      transfer.push(handed.handle)
      return handed
    } finally {
      stopTimer(timer)
      dials.delete(number)
    }
  }

  /** Cancels a dial whose caller no longer waits. */
  cancel(thread: number, request: number): void {
    this.#pending
      .get(thread)
      ?.dials.get(request)
      ?.abort(new TroupeError('Canceled', 'the connection is no longer needed'))
  }

  /** @throws TroupeError like {@link dial} */
  async resolve(
    { name, family }: Requests['resolve']['ask'],
    requester: Requester,
  ): Promise<readonly ResolvedAddress[]> {
    if (!requester.thread.sealed) throw denied(`thread ${requester.thread.number} resolves names itself`)
    if (typeof name !== 'string' || name === '' || name.length > maxHost)
      throw invalid('the name to resolve must be a non-empty text')
    if (family !== 0 && family !== 4 && family !== 6) throw invalid('the address family must be 4, 6, or 0 for any')
    this.#options.permitClear(requester, 'socket.resolve', name)
    const found = await this.#of(requester.thread.number).lookups.acquire(async () => lookupDirect(name, family))
    return found.map((one) => ({ address: one.address, family: one.family === 6 ? 6 : 4 }))
  }

  /** Number of pending dials. */
  get pending(): number {
    return this.#pending.values().reduce((sum, { dials }) => sum + dials.size, 0)
  }

  threadGone(thread: number): void {
    const pending = this.#pending.get(thread)
    this.#pending.delete(thread)
    for (const abort of pending?.dials.values() ?? []) abort.abort(new TroupeError('Canceled', 'its thread has ended'))
  }

  async #open(
    connectRequest: ConnectRequest,
    requester: Requester,
    { signal, timeout, lookups, key }: Limits,
  ): Promise<Socket> {
    const { overlay, target } = connectRequest
    if (overlay === null) {
      const { permitClear } = this.#options
      const { host, port } = target
      const permit = (address: string) => {
        if (isPrivateAddress(address)) permitClear(requester, 'socket.private_ip', address, port)
      }
      permitClear(requester, 'socket.connect', host, port)
      permit(host)
      return connectDirect({ ...connectRequest, signal, lookup: lookupIn(lookups, permit) })
    }
    const route = await this.#options.route(overlay, requester)
    const { network } = requester.thread
    // A route that was granted for one request isolates each of its connections, unless it has a key.
    const own = network?.overlay === overlay ? network.isolation : undefined
    const isolation = { ...own, ...(key !== undefined && { key }) }
    const frame = sealedFrame({ thread: requester.thread, frame: requester.record.frame })
    return runInFrame(frame, async () => dial(route, target, { signal, timeout, isolation }))
  }

  #of(thread: number): Pending {
    const known = this.#pending.get(thread)
    if (known !== undefined) return known
    const pending: Pending = { dials: new Map(), lookups: new Semaphore(maxLookups, maxPending) }
    this.#pending.set(thread, pending)
    return pending
  }
}

/**
 * The system's resolver, limited to a few look-ups at a time per thread. The result may be dialled only if every
 * address in it is permitted.
 */
function lookupIn(semaphore: Semaphore, permit: (address: string) => void): LookupFunction {
  return (name, options, done) => {
    const looked = semaphore.acquire(async () => {
      const { promise, resolve } = Promise.withResolvers<void>()
      systemLookup(name, options, (error, address, family) => {
        resolve()
        const refused = error ?? refusalOf(address, permit)
        if (refused) done(refused, '', 0)
        else done(null, address, family)
      })
      await promise
    })
    const failed = (error: Error) => {
      done(error, '', 0)
    }
    looked.catch((error: unknown) => process.nextTick(failed, error))
  }
}

function refusalOf(found: string | readonly LookupAddress[], permit: (address: string) => void): Error | undefined {
  try {
    for (const address of typeof found === 'string' ? [found] : found.map((one) => one.address)) permit(address)
    return undefined
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

function parse(asked: unknown): DialRequest {
  const { data, error } = schema.safeParse(asked)
  if (data === undefined)
    throw invalid(`invalid dial request: ${error.issues[0]?.message}`, { path: error.issues[0]?.path })
  const { connectRequest, timeout, key } = data
  const { overlay, target, family, localAddress, localPort } = connectRequest
  return {
    connectRequest: {
      overlay,
      target,
      ...(family && { family }),
      ...(localAddress !== undefined && { localAddress }),
      ...(localPort !== undefined && { localPort }),
    },
    timeout,
    ...(key !== undefined && { key }),
  }
}
