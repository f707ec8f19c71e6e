/** Listens on 127.0.0.1 and asks itself, then another address of this machine; prints both outcomes. */
import { once } from 'node:events'
import { createServer } from 'node:http'

const server = createServer((_, response) => response.end('hello'))
const wordsOf = (error: unknown) => (error instanceof Error ? error.message : String(error))
try {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  const ask = async (host: string) =>
    fetch(`http://${host}:${port}/`).then(
      async (response) => response.text(),
      () => 'failed',
    )
  console.log(await ask('127.0.0.1'), await ask('localhost'), await ask('10.1.2.3'))
} catch (error) {
  console.log(wordsOf(error))
}
server.close()
