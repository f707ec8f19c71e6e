/** HTTP servers, as the kernel runs them. Threads load `@troupe/http` alone. */
import { endpointKind, routerKind, staticKind } from './kinds.ts'
import { httpServiceKind } from './kinds-service.ts'
import { eventsKind } from './events/kind.ts'
import { tokenStoreKind } from './tokens/kind.ts'
import { websocketKind } from './websocket/kind.ts'

export type { ServerAddress } from './server/server.ts'
export { Servers, type ServersOptions } from './server/servers.ts'
export { checkCertificates } from './server/check-certificates.ts'
export { checkRoutes } from './server/check-routes.ts'
export { TokenStores, type TokenStoresOptions } from './tokens/token-stores.ts'
export { answerConnections } from './connections/connections.ts'

/** The kinds of entries that this package runs. */
export const httpKinds = [httpServiceKind, routerKind, endpointKind, staticKind, websocketKind, eventsKind, tokenStoreKind]
