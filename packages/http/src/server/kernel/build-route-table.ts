/** Builds the route tables from entries. */
import { availableParallelism } from 'node:os'
import type { EntryId, OverlayChoice } from '@troupe/core'
import { defaultPool, functionKind } from '@troupe/functions/kernel'
import { checkEndpointPool } from './endpoint-pool.ts'
import type { Program } from '@troupe/process'
import type { Entries } from '@troupe/registry'
import { endpointKind, routerKind, staticKind } from '../../config/kinds.ts'
import { eventsKind } from '../../events/kind.ts'
import { websocketKind } from '../../websocket/kind.ts'
import { joinPaths } from '../routing/pattern.ts'
import type { EndpointRoute, RequestWorkerSettings, RouterRoutes, RouteTable } from '../routing/route-table.ts'

/** The source of entries: the current registry, or a future state of it. */
export type Source = Pick<Entries, 'find' | 'decode' | 'get'>

export interface TablesOptions {
  /** Returns the module that a function runs now. */
  readonly moduleOf: (entry: EntryId, file: string) => string
  /** Returns whether an entry with that pin runs in another network than the service. */
  readonly leadsElsewhere: (pin: OverlayChoice) => boolean
  /** Returns whether the overlay of the pin, or else of the service, isolates actors. */
  readonly isolatesActors: (pin: OverlayChoice) => boolean
}

/** The routes of a server, before they are counted. */
export type Routes = Omit<RouteTable, 'counted'>

/** Returns the routes of a server. */
export function tableOf(
  source: Source,
  service: EntryId,
  { moduleOf, leadsElsewhere, isolatesActors }: TablesOptions,
): Routes {
  const routers = source
    .find({ kind: routerKind.kind })
    .map(({ id }) => source.decode(id, routerKind))
    .filter(({ meta }) => meta.server === service)
  const endpoints = source.find({ kind: endpointKind.kind }).map(({ id }) => source.decode(id, endpointKind))
  const sockets = source.find({ kind: websocketKind.kind }).map(({ id }) => source.decode(id, websocketKind))
  const streams = source.find({ kind: eventsKind.kind }).map(({ id }) => source.decode(id, eventsKind))
  const statics = source.find({ kind: staticKind.kind }).map(({ id }) => source.decode(id, staticKind))
  return {
    routers: routers.map(({ id, fields: { prefix, middleware, options } }): RouterRoutes => {
      const mine = endpoints.filter(({ meta }) => meta.router === id)
      return {
        entry: id,
        middleware,
        options,
        endpoints: mine.map(({ id: entry, fields, meta }): EndpointRoute => {
          const called = source.decode(fields.func, functionKind)
          checkEndpointPool(fields.func, called.fields.pool)
          const program: Program = {
            entry: fields.func,
            module: moduleOf(fields.func, called.fields.source),
            method: called.fields.method,
          }
          const pin = meta.options?.network === undefined ? called.meta.options?.network : meta.options.network
          const { method, permission } = fields
          // A thread has one network: an entry that is pinned to another network runs in threads of that network.
          const lanes = leadsElsewhere(pin)
            ? workerSettingsOf(called.fields.pool === 'inline' ? defaultPool : called.fields.pool)
            : workerSettingsOf(called.fields.pool)
          const ofActors = isolatesActors(pin)
            ? workerSettingsOf(called.fields.pool === 'inline' ? defaultPool : called.fields.pool)
            : undefined
          return {
            entry,
            method,
            path: joinPaths(prefix, fields.path),
            program,
            pool: lanes,
            ofActors,
            pin,
            permission,
          }
        }),
        sockets: sockets
          .filter(({ meta }) => meta.router === id)
          .map(({ id: entry, fields }) => ({ entry, path: joinPaths(prefix, fields.path), fields })),
        streams: streams
          .filter(({ meta }) => meta.router === id)
          .map(({ id: entry, fields }) => ({ entry, path: joinPaths(prefix, fields.path), fields })),
      }
    }),
    statics: statics.filter(({ meta }) => meta.server === service).map(({ id: entry, fields }) => ({ entry, fields })),
  }
}

function workerSettingsOf(pool: 'inline'): 'inline'
function workerSettingsOf(pool: Pool): RequestWorkerSettings
function workerSettingsOf(pool: 'inline' | Pool): 'inline' | RequestWorkerSettings
function workerSettingsOf(pool: 'inline' | Pool): 'inline' | RequestWorkerSettings {
  if (pool === 'inline') return pool
  const { min, max = availableParallelism(), idleTimeout, queue } = pool
  return { min, max: Math.max(min, max), idleTimeout, queue }
}

interface Pool {
  readonly min: number
  readonly max?: number | undefined
  readonly idleTimeout: number
  readonly queue: number
}
