/** The routes of a server, as its thread receives them. */
import type { EntryId, OverlayChoice } from '@troupe/core'
import type { Program } from '@troupe/process'
import type { StaticFields } from '../../config/kinds.ts'
import type { HttpServiceFields } from '../../config/service-kind.ts'
import type { MiddlewareName, MiddlewareOptions } from '../../middleware/options.ts'
import type { EventsFields } from '../../events/kind.ts'
import type { WebSocketFields } from '../../websocket/kind.ts'

/** Threads for requests that do not run in the server's own thread. */
export interface RequestWorkerSettings {
  readonly min: number
  readonly max: number
  /** Milliseconds that an idle thread above `min` is kept. */
  readonly idleTimeout: number
  /** Maximum number of requests that wait for a thread; beyond: 503. */
  readonly queue: number
}

export interface EndpointRoute {
  readonly entry: EntryId
  readonly method: string
  /** Includes the prefix of its router. */
  readonly path: string
  readonly program: Program
  /** Where it runs: in the server's thread, or in others. */
  readonly pool: 'inline' | RequestWorkerSettings
  /**
   * Threads for requests under another identity than the service's, where the overlay isolates actors: some for each
   * actor.
   */
  readonly ofActors: RequestWorkerSettings | undefined
  /** The overlay that the function or the endpoint is pinned to. */
  readonly pin: OverlayChoice
  /** An action for which the caller needs permission. */
  readonly permission: string | undefined
}

export interface SocketRoute {
  readonly entry: EntryId
  readonly path: string
  readonly fields: WebSocketFields
}

export interface EventsRoute {
  readonly entry: EntryId
  readonly path: string
  readonly fields: EventsFields
}

export interface RouterRoutes {
  readonly entry: EntryId
  /** Names, the outermost first. */
  readonly middleware: readonly MiddlewareName[]
  readonly options: MiddlewareOptions
  readonly endpoints: readonly EndpointRoute[]
  readonly sockets: readonly SocketRoute[]
  readonly streams: readonly EventsRoute[]
}

export interface StaticRoute {
  readonly entry: EntryId
  readonly fields: StaticFields
}

/** All routes of a server. A new table replaces this one as a whole. */
export interface RouteTable {
  readonly routers: readonly RouterRoutes[]
  readonly statics: readonly StaticRoute[]
  /** The paths that are counted apart, in the order of their counters. A path keeps its place. */
  readonly counted: readonly string[]
}

/** The settings with which a server is started. */
export interface ServerSettings {
  readonly service: EntryId
  readonly fields: HttpServiceFields
  /** The overlay to listen on; `null` for the clear network. */
  readonly network: EntryId | null
}
