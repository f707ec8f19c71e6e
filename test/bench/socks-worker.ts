/**
 * One client in its own process, so that it pays for its own garbage and its own machine code. For each input line it
 * opens several connections, one after the other, and prints the cost of one: milliseconds, and microseconds of CPU.
 */
import { createInterface } from 'node:readline'
import { median } from './measure.ts'
import { clientsOf, parsePlace } from './socks-clients.ts'

const [name = '', proxy = '', target = '', optimistic, perBlock] = process.argv.slice(2)
const connect = clientsOf(parsePlace(proxy), parsePlace(target), optimistic === 'true').get(name)
if (connect === undefined) throw new Error(`there is no client "${name}"`)

for await (const _ of createInterface({ input: process.stdin })) {
  const before = process.cpuUsage()
  const latencies: number[] = []
  for (let n = 0; n < Number(perBlock); n += 1) {
    const began = performance.now()
    const socket = await connect()
    latencies.push(performance.now() - began)
    socket.destroy()
    await new Promise(setImmediate)
  }
  const { user, system } = process.cpuUsage(before)
  console.log(`${median(latencies)} ${(user + system) / Number(perBlock)}`)
}
