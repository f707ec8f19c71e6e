/** For tests: a server that answers with the address of its client. */
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { portOf } from './socks-proxy.ts'

export interface Site extends AsyncDisposable {
  /** A URL with a name that only the proxies of the tests know. */
  readonly url: string
  readonly port: number
}

/** Starts a server. */
export async function startSite(answer: RequestListener = fromAddress): Promise<Site> {
  const server = createServer(answer)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const port = portOf(server)
  return {
    url: `http://site.test:${port}/`,
    port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const fromAddress: RequestListener = (request, response) => response.end(`from ${request.socket.remoteAddress}`)
