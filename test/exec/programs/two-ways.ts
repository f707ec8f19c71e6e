/** Fetches from one port of a host and is echoed by another: `two-ways.ts HOST PORT PORT [env]`. */
import { connect } from 'node:net'

const [host = '', httpPort, echoPort, more] = process.argv.slice(2)
const wordOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  if ('code' in error && typeof error.code === 'string') return error.code
  return error.cause === undefined ? error.message : wordOf(error.cause)
}

const fetched = await fetch(`http://${host}:${httpPort}/`).then(({ status }) => status, wordOf)
const echoed = await new Promise((resolve) => {
  const socket = connect(Number(echoPort), host, () => socket.write('hello'))
  socket.on('data', (data) => {
    resolve(data.toString())
    socket.destroy()
  })
  socket.on('error', (error) => resolve(wordOf(error)))
})
console.log(JSON.stringify({ fetch: fetched, net: echoed }))
if (more === 'env') console.log(process.env['PROXY_HOST'])
