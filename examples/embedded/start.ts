/**
 * An Express program. The route /quote asks a service through a SOCKS5 proxy, from threads that reach nothing else; all
 * else is an ordinary program: `PROXY=socks5://127.0.0.1:9050 SERVICE=http://… node start.ts`.
 */
import express from 'express'
import { once } from 'node:events'
import { start } from 'troupe'
import { expressTroupe } from 'troupe/adapters'
import type * as quotesModule from './src/quotes.ts'

const {
  PROXY: proxy = 'socks5://127.0.0.1:9050',
  SERVICE: service = 'http://quotes.test/',
  PORT: port = '0',
} = process.env

const troupe = await start({ networks: { proxy }, config: { log: { level: 'warn' } } })
const quotes = troupe.functions<typeof quotesModule>(new URL('src/quotes.ts', import.meta.url), {
  max: 2,
  network: 'proxy',
})

const site = express()
site.use(expressTroupe(troupe, { timeout: '10s' }))
site.get('/', (_request, response) => void response.send('hello'))
site.get('/quote', async (_request, response) => {
  try {
    response.send(await quotes.load(service))
  } catch (error) {
    const { cause } = error instanceof Error ? error : { cause: undefined }
    response.status(502).send(String(cause ?? error))
  }
})

const server = site.listen(Number(port), '127.0.0.1')
await once(server, 'listening')
const address = server.address()
console.log(`listening on ${typeof address === 'object' && address !== null ? address.port : port}`)

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    server.close()
    void troupe.stop()
  })
}
