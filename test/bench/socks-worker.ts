/**
 * One client in its own process, so that it pays for its own garbage and its own machine code. For each input line it
 * opens several connections, one after the other, and prints the cost of one: milliseconds, and microseconds of CPU.
 * With `https` as its last argument a connection includes TLS and the first byte of a response.
 */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { connect as connectTls } from 'node:tls'
import { median } from './measure.ts'
import { clientsOf, parsePlace } from './socks-clients.ts'

const [name = '', proxy = '', target = '', optimistic, perBlock, protocol] = process.argv.slice(2)
const connect = clientsOf(parsePlace(proxy), parsePlace(target), optimistic === 'true').get(name)
if (connect === undefined) throw new Error(`there is no client "${name}"`)

for await (const _ of createInterface({ input: process.stdin })) {
  const before = process.cpuUsage()
  const latencies: number[] = []
  for (let n = 0; n < Number(perBlock); n += 1) {
    const began = performance.now()
    const socket = protocol === 'https' ? await firstByte(await connect()) : await connect()
    latencies.push(performance.now() - began)
    socket.destroy()
    await new Promise(setImmediate)
  }
  const { user, system } = process.cpuUsage(before)
  console.log(`${median(latencies)} ${(user + system) / Number(perBlock)}`)
}

/** Returns when a new TLS connection over `socket` has received the first byte of a response. */
async function firstByte(socket: Socket): Promise<Socket> {
  const secure = connectTls({ socket, host: 'localhost', servername: 'localhost', rejectUnauthorized: false })
  secure.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
  await once(secure, 'data')
  return secure
}
