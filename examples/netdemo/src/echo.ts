/** An HTTP service that responds to each request with the peer it saw. Other processes ask it for its address. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { self } from 'troupe'
import { text } from './sighting.ts'

export async function main(): Promise<void> {
  let served = 0
  const server = createServer((request, response) => {
    served++
    // Each request gets its own connection, whose port identifies it.
    response.shouldKeepAlive = false
    const { remoteAddress, remotePort } = request.socket
    response
      .setHeader('content-type', 'application/json')
      .end(JSON.stringify({ peer: `${remoteAddress}:${remotePort}` }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${text(server.address(), 'port')}/`
  for await (const message of self.inbox) {
    if (message.topic === 'crash') throw new Error('crashed on purpose')
    message.reply({ pid: self.pid, url, served })
  }
  server.close()
  server.closeAllConnections()
}
