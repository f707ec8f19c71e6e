/** HTTP servers, as the kernel runs them. Threads load `@troupe/http` alone. */
import { websocketKind } from './websocket/kind.ts'

export { Connections } from './websocket/connections.ts'

/** The kinds of entries that this package runs. */
export const httpKinds = [websocketKind]
