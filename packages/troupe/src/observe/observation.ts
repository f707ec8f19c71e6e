/** What a running application does, as one document that can be sent and shown. It contains no secrets. */
import type { ClusterView } from '@troupe/cluster/kernel'
import { type ObservedCluster, observedCluster } from './observed-cluster.ts'
import type { EntryId, ErrorKind, RequestCount } from '@troupe/core'
import type { Functions } from '@troupe/functions/kernel'
import type { RouteCounts, ServerServices } from '@troupe/http/kernel'
import {
  type Census,
  type ConnectionRow,
  type DeadLetter,
  type Kernel,
  observeConnections,
  observeOverlays,
  type ObservedEnd,
  type ObservedProcess,
  type ObservedThread,
  type ObservedTime,
  observeProcesses,
  observeRefusals,
  observeResources,
  observeThreads,
  type ServiceStatus,
  type ServiceSupervisor,
} from '@troupe/process/kernel'
import type { ObservedQueue, Queues } from '@troupe/queue/kernel'
import { redactedText } from '../log/redact.ts'
import { requestsOf } from './observed-requests.ts'
import { type ObservedOverlay, observedOverlays, overlayStates } from './overlays.ts'

/** Options of {@link Application.observe}. */
export interface ObserveOptions {
  /**
   * Maximum number of processes of each thread: those with the most waiting messages, then the oldest.
   *
   * @default 1000
   */
  readonly processes?: number
  /** Maximum number of connections of each thread: the oldest. @default 1000 */
  readonly connections?: number
}

/** A service: its state, and how it failed last. */
export interface ObservedService {
  /** The id of its entry. */
  readonly id: EntryId
  /** The kind of its entry. */
  readonly kind: string
  /** Its state. */
  readonly state: ServiceStatus['state']
  /** Number of consecutive failures. */
  readonly attempts: number
  /** The kind and the message; the log has the stack. */
  readonly error: { readonly kind: ErrorKind; readonly message: string } | undefined
}

/** The calls of a function entry, and the threads that run them. */
export interface ObservedPool {
  /** The id of the function. */
  readonly entry: EntryId
  /** The number of its threads. */
  readonly threads: number
  /** The number of networks for which it has threads. */
  readonly networks: number
  /** The number of calls that run. */
  readonly running: number
  /** The number of calls that wait for a thread. */
  readonly waiting: number
}

/** The threads that respond to requests to HTTP services with the function of their endpoints. */
export interface ObservedRequestPool {
  /** The function. */
  readonly entry: EntryId
  /** The number of its threads. */
  readonly threads: number
}

/** The decisions of a policy since the start. */
export interface ObservedPolicy {
  /** `undefined`: no policy applied, and the action was denied. */
  readonly policy: EntryId | undefined
  /** How often it allowed. */
  readonly allowed: number
  /** How often it denied. */
  readonly denied: number
}

/** What an HTTP service transferred. */
export interface ObservedServer {
  /** The id of the service. */
  readonly service: EntryId
  /** Requests whose response has not ended. */
  readonly inFlight: number
  /** Bytes of its connections, counted when a response or a connection ends. */
  readonly bytesReceived: number
  /** Bytes that it sent to clients. */
  readonly bytesSent: number
}

/** The requests of one route of an HTTP service. Durations are in seconds. */
export interface ObservedRoute extends RouteCounts {
  /** The id of the service. */
  readonly service: EntryId
}

/** What a running application does. */
export interface Observation {
  /** When it was observed, in milliseconds since 1970. */
  readonly at: number
  /** The id of the operating-system process. */
  readonly pid: number
  /** Seconds since the start of the program. */
  readonly uptime: number
  /** The threads. */
  readonly threads: readonly ObservedThread[]
  /** Threads that have ended, summed up. */
  readonly ended: readonly ObservedEnd[]
  /** The processes of the application. */
  readonly processes: Census<ObservedProcess>
  /** The open connections. */
  readonly connections: Census<ConnectionRow>
  /** The overlays. */
  readonly overlays: readonly ObservedOverlay[]
  /** The pools of functions. */
  readonly pools: readonly ObservedPool[]
  /** Pools of HTTP services; functions with `pool: inline` have none. */
  readonly requestPools: readonly ObservedRequestPool[]
  /** The services. */
  readonly services: readonly ObservedService[]
  /** The queues. */
  readonly queues: readonly ObservedQueue[]
  /** The cluster; absent without the section `cluster`. */
  readonly cluster?: ObservedCluster
  /** The policies, with what they decided. */
  readonly policies: readonly ObservedPolicy[]
  /** What overlays and sealed threads refused, by name. */
  readonly refusals: Readonly<Record<string, number>>
  /** HTTP services. */
  readonly servers: readonly ObservedServer[]
  /** Requests to HTTP services, by route, since the start. */
  readonly routes: readonly ObservedRoute[]
  /** Requests of the HTTP client, by overlay and outcome, since the start. */
  readonly requests: readonly RequestCount[]
  /** Processor time by owner and network, as far as it was observed while the threads ran. */
  readonly processorTime: readonly ObservedTime[]
  /** The number of the current version of the entries. */
  readonly registryVersion: number
  /** Lines of the log that were written, by level. */
  readonly logLines: Readonly<Record<string, number>>
  /** The number of dead letters since the start, and the last ones. */
  readonly deadLetters: { readonly count: number; readonly last: readonly DeadLetter[] }
}

/** The parts of an application that are observed. */
export interface Observed {
  readonly kernel: Kernel
  readonly supervisor: ServiceSupervisor
  readonly functions: Functions
  readonly servers: ServerServices
  readonly queues: Queues
  readonly cluster: { readonly view: ClusterView } | undefined
  /** Lines of the log that were written, by level. */
  readonly logLines: () => Readonly<Record<string, number>>
}

const manyRows = 1000

/** Observes an application. A thread that is busy delays this by a second at most, and is named as silent. */
export async function observe(
  { kernel, supervisor, functions, servers, queues, cluster, logLines }: Observed,
  { processes = manyRows, connections = manyRows }: ObserveOptions = {},
): Promise<Observation> {
  const [resources, ownProcesses, open, overlays, refusals, ownQueues] = await Promise.all([
    observeResources(kernel),
    observeProcesses(kernel, processes),
    observeConnections(kernel, connections),
    observeOverlays(kernel),
    observeRefusals(kernel),
    queues.observe(),
  ])
  const states = await overlayStates(kernel)
  // From here on nothing waits, so that no thread ends in between.
  const { threads, ended } = observeThreads(kernel, resources)
  const http = servers.counts()
  const shown = (text: string) => redactedText(text, kernel.registry.env.secrets)
  return {
    at: Date.now(),
    pid: process.pid,
    uptime: process.uptime(),
    threads,
    ended,
    processes: ownProcesses,
    connections: open,
    overlays: observedOverlays(states, threads, ended, overlays).map((overlay) => ({
      ...overlay,
      reason: overlay.reason && shown(overlay.reason),
    })),
    pools: functions.pools(),
    requestPools: requestPoolsOf(kernel),
    services: supervisor.list().map((status) => observedService(status, kernel.registry.env.secrets)),
    queues: ownQueues,
    ...(cluster && { cluster: observedCluster(cluster.view, kernel.registry.env.secrets) }),
    policies: Array.from(kernel.security.decisions, ([policy, counts]) => ({ policy, ...counts })),
    refusals: Object.fromEntries(refusals),
    servers: http.map(({ service, inFlight, bytesReceived, bytesSent }) => ({
      service,
      inFlight,
      bytesReceived,
      bytesSent,
    })),
    routes: http.flatMap(({ service, routes }) => routes.map((route) => ({ service, ...route }))),
    requests: requestsOf(kernel.registry, [...threads, ...ended]),
    processorTime: kernel.processorTime.all(),
    registryVersion: kernel.registry.version(),
    logLines: logLines(),
    deadLetters: {
      count: kernel.deadLetters.count,
      last: kernel.deadLetters.recent.map((letter) => ({ ...letter, reason: shown(letter.reason) })),
    },
  }
}

/** By function. Identities that a thread acts for have its role too, but no host. */
function requestPoolsOf({ processes }: Kernel): readonly ObservedRequestPool[] {
  const threads = new Map<EntryId, number>()
  for (const { entry, host, role } of processes.all())
    if (role === 'lane' && host !== undefined && entry !== undefined) threads.set(entry, (threads.get(entry) ?? 0) + 1)
  return Array.from(threads, ([entry, count]) => ({ entry, threads: count }))
}

/** The state of a service, without secrets. */
export function observedService(status: ServiceStatus, secrets: ReadonlySet<string>): ObservedService {
  const { id, kind, state, attempts, error } = status
  return {
    id,
    kind,
    state,
    attempts,
    error: error && { kind: error.kind, message: redactedText(error.message, secrets) },
  }
}
