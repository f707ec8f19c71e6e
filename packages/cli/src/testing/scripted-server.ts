/** For tests: a TCP server of loopback that sends one reply to each write of a client, or none. */
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'

export interface ScriptedServer extends AsyncDisposable {
  readonly port: number
  /** Connections so far. */
  readonly connections: () => number
}

/** @param replies - Bytes, one list for each write of a client. After the last, the server keeps silent. */
export async function scriptedServer(...replies: readonly (readonly number[] | string)[]): Promise<ScriptedServer> {
  const open = new Set<Socket>()
  let count = 0
  const server = createServer((socket) => {
    count += 1
    open.add(socket)
    const left = [...replies]
    socket.on('error', () => undefined)
    socket.on('data', () => {
      const next = left.shift()
      if (next !== undefined) socket.write(typeof next === 'string' ? next : Uint8Array.from(next))
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new TypeError('the server listens on no port')
  return {
    port: address.port,
    connections: () => count,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
