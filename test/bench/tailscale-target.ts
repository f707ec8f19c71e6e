/** The other end of the benchmark, with a sidecar of its own: echoes on port 7, swallows on port 9 and then tells how much. Prints its name. */
import { TailnetWorld, serve } from '../overlays/tailscale-fixture.ts'

const [url = '', key = ''] = process.argv.slice(2)
const world = await TailnetWorld.in({ url, key: async () => Promise.resolve(key) })
const node = await world.node('target')
const { host } = await serve(node, 7, (socket) => socket.on('data', (chunk) => socket.write(chunk)))
await serve(node, 9, (socket) => {
  let count = 0
  // Not ended with the other side's end: there is something to say yet.
  socket.allowHalfOpen = true
  socket.on('data', (chunk) => (count += chunk.length)).on('end', () => socket.end(`${count}\n`))
})
console.log(host)
