/** Servers on this machine, in threads of any network: they only accept connections and open none. */
import { promisify } from 'node:util'
import { isIP, type Server } from 'node:net'
import { checkPermission } from '../sockets/socket-permission.ts'
import { listenClear, systemLookup } from '../sockets/own-sockets.ts'
import { threadNetwork } from '../overlay/thread-network.ts'

/** Where a server listens on this machine. */
export interface Here {
  readonly port: number
  /** A name or an address of this machine. @default all addresses */
  readonly host?: string | undefined
}

/**
 * Makes a server listen on this machine, also in a thread of an overlay. For servers that an entry of the application
 * declares. Their clients come from the clear network; connections that their handlers open use the thread's own
 * network.
 *
 * Errors are reported by the server's `error` event.
 */
export function listenHere(server: Server, { port, host }: Here): void {
  if ((threadNetwork()?.overlay ?? null) === null) {
    server.listen({ port, ...(host !== undefined && { host }) })
    return
  }
  const listen = async () => {
    await checkPermission('socket.listen', host ?? '::', port)
    listenClear(
      server,
      port,
      host === undefined || isIP(host) !== 0 ? host : (await promisify(systemLookup)(host)).address,
    )
  }
  listen().catch((error: unknown) => server.emit('error', error))
}
