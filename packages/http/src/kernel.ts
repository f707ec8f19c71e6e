/** HTTP servers on the kernel's side. Threads load only `@troupe/http`. */
import { endpointKind, routerKind, staticKind } from './config/kinds.ts'
import { httpServiceKind } from './config/service-kind.ts'
import { eventsKind } from './events/kind.ts'
import { tokenStoreKind } from './tokens/kind.ts'
import { websocketKind } from './websocket/kind.ts'

export type { ServerAddress } from './server/listener/server.ts'
export { ServerServices, type ServerServicesOptions } from './server/kernel/server-services.ts'
export { durationBounds, type RouteCounts } from './server/counts/count-memory.ts'
export type { ServiceCounts } from './server/kernel/service-counts.ts'
export { checkCertificates } from './server/listener/check-certificates.ts'
export { checkRoutes } from './server/kernel/check-routes.ts'
export { TokenStoreTable, type TokenStoreTableOptions } from './tokens/store-table.ts'
export { permitHttpClient } from './client-permissions.ts'
export type { HttpRequests } from './protocol.ts'
export { httpRequests } from './request-rules.ts'
export { answerConnections } from './connections/connections.ts'

/** The kinds of entries that this package runs. */
export const httpKinds = [
  httpServiceKind,
  routerKind,
  endpointKind,
  staticKind,
  websocketKind,
  eventsKind,
  tokenStoreKind,
]
