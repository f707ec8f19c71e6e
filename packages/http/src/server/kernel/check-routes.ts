/** Finds errors between routes. */
import { type EntryId, TroupeError } from '@troupe/core'
import {
  type Entry,
  formatPosition,
  type Kind,
  type DecodedAs,
  positionOf,
  type Diagnostic,
  diagnosticOf,
} from '@troupe/registry'
import { endpointKind, routerKind, staticKind } from '../../config/kinds.ts'
import { eventsKind } from '../../events/kind.ts'
import { websocketKind } from '../../websocket/kind.ts'
import { functionKind } from '@troupe/functions/kernel'
import { endpointFault } from './endpoint-pool.ts'
import { joinPaths, shapeOf } from '../routing/pattern.ts'
import type { Source } from './build-route-table.ts'

/** A place in a server that only one entry may have. */
interface RouteClaim {
  readonly entry: Entry
  readonly server: EntryId
  readonly method: string
  readonly path: string
}

/**
 * Finds routes that match the same requests, permissions that are never checked, and functions that can be no endpoint.
 * Errors in a single entry are reported elsewhere.
 */
export function checkRoutes(source: Source): readonly Diagnostic[] {
  const routers = new Map(decoded(source, routerKind).map((router) => [router.id, router]))
  const problems: Diagnostic[] = []
  const claims: RouteClaim[] = decoded(source, staticKind).map(({ entry, fields, meta }) => ({
    entry,
    server: meta.server,
    method: 'files',
    path: fields.path,
  }))
  for (const { entry, fields, meta } of [...decoded(source, websocketKind), ...decoded(source, eventsKind)]) {
    const router = routers.get(meta.router)
    if (router)
      claims.push({
        entry,
        server: router.meta.server,
        method: 'GET',
        path: joinPaths(router.fields.prefix, fields.path),
      })
  }
  const functions = new Map(decoded(source, functionKind).map(({ id, fields }) => [id, fields]))
  for (const { entry, fields, meta } of decoded(source, endpointKind)) {
    const called = functions.get(fields.func)
    const fault = called && endpointFault(fields.func, called.pool)
    if (fault !== undefined)
      problems.push(diagnosticOf(entry, { code: 'invalid-field', message: `func: ${fault}`, path: ['func'] }))
    const router = routers.get(meta.router)
    if (router === undefined) continue
    claims.push({
      entry,
      server: router.meta.server,
      method: fields.method,
      path: joinPaths(router.fields.prefix, fields.path),
    })
    if (fields.permission !== undefined && !router.fields.middleware.includes('endpoint_firewall')) {
      const message = `permission: it is never checked: ${router.id} has no endpoint_firewall among its middleware`
      problems.push(diagnosticOf(entry, { code: 'invalid-field', message, path: ['permission'] }))
    }
  }
  return [...problems, ...duplicates(claims)]
}

function duplicates(claims: readonly RouteClaim[]): readonly Diagnostic[] {
  const first = new Map<string, RouteClaim>()
  const problems: Diagnostic[] = []
  for (const claim of claims) {
    const { entry, server, method, path } = claim
    const key = `${server} ${method} ${shapeOf(path)}`
    const other = first.get(key)
    if (other === undefined) first.set(key, claim)
    else {
      const place = positionOf(other.entry, ['path'])
      const what = method === 'files' ? path : `${method} ${path}`
      const message = `path: ${what} is ${other.entry.id}'s already${place ? ` at ${formatPosition(place)}` : ''}`
      problems.push(diagnosticOf(entry, { code: 'duplicate-route', message, path: ['path'] }))
    }
  }
  return problems
}

function decoded<K extends Kind>(source: Source, kind: K): readonly DecodedAs<K>[] {
  return source.find({ kind: kind.kind }).flatMap(({ id }) => {
    try {
      return [source.decode(id, kind)]
    } catch (error) {
      if (error instanceof TroupeError) return []
      throw error
    }
  })
}
