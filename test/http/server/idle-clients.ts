/**
 * Opens many connections and keeps them, in its own process. Prints how many it has, and at the end of its input how
 * many are left.
 */
import { connect } from 'node:net'
import { once } from 'node:events'

const [port = 0, count = 0] = process.argv.slice(2).map(Number)
let open = 0
for (let index = 0; index < count; index += 1) {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined).on('close', () => (open -= 1))
  await once(socket, 'connect')
  open += 1
  // Half of them have sent a request before.
  if (index % 2 === 0) socket.resume().write('GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n')
}
console.log(open)
process.stdin.resume().on('end', () => {
  console.log(open)
  process.exit()
})
