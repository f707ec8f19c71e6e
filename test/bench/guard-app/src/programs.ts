/** The processes of the benchmark of hosts. */
import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'

/** Opens that many connections, one after the other. */
export async function connects(count: number, port: number, host: string) {
  for (let i = 0; i < count; i++) {
    const socket = net.connect(port, host)
    await once(socket, 'connect')
    socket.destroy()
  }
}

/** Sends that many requests on one connection. */
export async function requests(count: number, port: number, host: string) {
  const agent = new http.Agent({ keepAlive: true })
  for (let i = 0; i < count; i++) {
    const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
      http.get({ host, port, agent }, resolve).on('error', reject)
    })
    await once(response.resume(), 'end')
  }
  agent.destroy()
}

/** The time at the first line of user code. */
export function begun(): number {
  return performance.timeOrigin + performance.now()
}
