/** HTTP servers, as the kernel runs them. Threads load `@troupe/http` alone. */
import { tokenStoreKind } from './tokens/kind.ts'
import { websocketKind } from './websocket/kind.ts'

export { TokenStores, type TokenStoresOptions } from './tokens/token-stores.ts'
export { answerConnections } from './websocket/connections.ts'

/** The kinds of entries that this package runs. */
export const httpKinds = [websocketKind, tokenStoreKind]
