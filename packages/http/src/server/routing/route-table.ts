/** What a server serves, as its thread is told. */
import type { EntryId, OverlayChoice } from '@troupe/core'
import type { Program } from '@troupe/process'
import type { StaticFields } from '../../config/kinds.ts'
import type { HttpServiceFields } from '../../config/service-kind.ts'
import type { MiddlewareName, MiddlewareOptions } from '../../middleware/options.ts'
import type { EventsFields } from '../../events/kind.ts'
import type { WebSocketFields } from '../../websocket/kind.ts'

/** Threads for requests that are not answered in the server's own. */
export interface RequestWorkerSettings {
  readonly min: number
  readonly max: number
  /** Milliseconds that a thread above `min` is kept without work. */
  readonly idleTimeout: number
  /** Requests that may wait for a thread; beyond: 503. */
  readonly queue: number
}

export interface EndpointRoute {
  readonly entry: EntryId
  readonly method: string
  /** With the prefix of its router. */
  readonly path: string
  readonly program: Program
  /** Where it runs: in the server's thread, or in others. */
  readonly pool: 'inline' | RequestWorkerSettings
  /** Threads for requests that somebody else than the service acts in, where the overlay keeps actors apart: some for each actor. */
  readonly ofActors: RequestWorkerSettings | undefined
  /** The overlay that the function or the endpoint is pinned to. */
  readonly pin: OverlayChoice
  /** An action that the caller has to be allowed. */
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

/** All routes of a server. Another table takes the place of this one as a whole. */
export interface RouteTable {
  readonly routers: readonly RouterRoutes[]
  readonly statics: readonly StaticRoute[]
}

/** What a server is started with. */
export interface ServerSettings {
  readonly service: EntryId
  readonly fields: HttpServiceFields
  /** The overlay to listen on; `null` for the clear network. */
  readonly network: EntryId | null
}
