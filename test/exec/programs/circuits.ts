/** Two processes open two connections each to a port of `web.test`; prints `open`, and ends with its input. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'

const port = Number(process.argv[2])
if (process.send === undefined) {
  const children: ChildProcess[] = [1, 2].map(() => fork(import.meta.filename, [String(port)]))
  await Promise.all(children.map(async (child) => once(child, 'message')))
  console.log('open')
  process.stdin.on('end', () => {
    for (const child of children) child.kill()
    process.exit()
  })
  process.stdin.resume()
} else {
  const sockets = [connect(port, 'web.test'), connect(port, 'web.test')]
  await Promise.all(sockets.map(async (socket) => once(socket, 'connect')))
  process.send('open')
}
