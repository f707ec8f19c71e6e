/** The other end of raw NATS in `cluster.ts`: replies to requests, and counts what is published. */
import { connect } from '@nats-io/transport-node'

const [server = ''] = process.argv.slice(2)
const connection = await connect({ servers: server })
let published = 0
connection.subscribe('raw.request', { callback: (_, message) => void message.respond(message.data) })
connection.subscribe('raw.publish', {
  callback: () => {
    published += 1
  },
})
connection.subscribe('raw.count', { callback: (_, message) => void message.respond(String(published)) })
await connection.flush()
process.stdout.write('ready\n')
