/**
 * The other end of the benchmark, with its own sidecar: echoes on port 7; reads port 9 to the end and then returns the
 * number of bytes. Prints its name.
 */
import { TailnetWorld, serve } from '../overlays/tailscale-fixture.ts'

const [url = '', key = ''] = process.argv.slice(2)
const world = await TailnetWorld.in({ url, key: async () => Promise.resolve(key) })
const node = await world.node('target')
const { host } = await serve(node, 7, (socket) => socket.on('data', (chunk) => socket.write(chunk)))
await serve(node, 9, (socket) => {
  let count = 0
  // Stays open after the other side's end, because the count is sent after it.
  socket.allowHalfOpen = true
  socket.on('data', (chunk) => (count += chunk.length)).on('end', () => socket.end(`${count}\n`))
})
console.log(host)
