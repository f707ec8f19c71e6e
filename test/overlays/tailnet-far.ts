/** Runs in a namespace, across the wire from an application: a node with a server. Prints its name. */
import { serveVisits } from './visits.ts'
import { TailnetWorld } from './tailscale-fixture.ts'

const [url = '', key = '', name = ''] = process.argv.slice(2)
const world = await TailnetWorld.in({ url, key: async () => Promise.resolve(key) })
await serveVisits(await world.node(name), 80)
process.stdout.write(`echo ${name}\n`)
// Its ends are those of the test.
setInterval(() => undefined, 60_000)
