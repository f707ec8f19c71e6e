/** Clients of web services, and queues: they collect items, and send them later, together or one by one. */
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client'
import { REST } from '@discordjs/rest'
import { Client as Elasticsearch } from '@elastic/elasticsearch'
import { InfluxDB, setLogger } from '@influxdata/influxdb-client'
import Bottleneck from 'bottleneck'
import DataLoader from 'dataloader'
import { FetchRequest, JsonRpcProvider, Network } from 'ethers'
import { GraphQLClient } from 'graphql-request'
import PQueue from 'p-queue'
import { Telegram } from 'telegraf'
import { program } from './program.js'
import { host, ignore, servers } from './settings.js'

const url = `http://${host}:${servers.http}`
setLogger({ error: ignore, warn: ignore })
const connection = new FetchRequest(`${url}/rpc`)
connection.setThrottleParams({ maxAttempts: 2 })
const ethers = new JsonRpcProvider(connection, Network.from(1), { staticNetwork: true, batchStallTime: 50 })
const apollo = new ApolloClient({ link: new HttpLink({ uri: `${url}/graphql` }), cache: new InMemoryCache() })
const graphql = new GraphQLClient(`${url}/graphql`)
const telegram = new Telegram('1:a', { apiRoot: url })
const discord = new REST({ api: url, retries: 1, globalRequestsPerSecond: 10_000 }).setToken('a')
const influx = new InfluxDB({ url, token: 'a' }).getWriteApi('here', 'items', 'ns', {
  flushInterval: 50,
  maxRetries: 2,
  minRetryDelay: 50,
})
const elasticsearch = new Elasticsearch({ node: url, maxRetries: 1 })
const limiter = new Bottleneck({ maxConcurrent: 1, minTime: 20 })
const queue = new PQueue({ concurrency: 1 })
const loader = new DataLoader(async (tokens) => {
  await fetch(`${url}/batch`, { method: 'POST', body: tokens.join(' ') })
  return tokens
})

const document = gql`
  query Say($token: String) {
    say(token: $token)
  }
`

/** A queue from which one loop sends items over one connection: a pattern that many programs implement themselves. */
const waiting = []
let isDraining = false
async function drain() {
  if (isDraining) return
  isDraining = true
  while (waiting.length > 0) {
    const batch = waiting.splice(0)
    const body = batch.map(({ token }) => token).join(' ')
    await fetch(`${url}/batch`, { method: 'POST', body }).then(
      () => batch.forEach(({ resolve }) => resolve()),
      (error) => batch.forEach(({ reject }) => reject(error)),
    )
  }
  isDraining = false
}

export const clients = {
  'ethers, batched': async (token) => ethers.send('say', [token]),
  '@apollo/client': async (token) => apollo.query({ query: document, variables: { token }, fetchPolicy: 'no-cache' }),
  'graphql-request': async (token) => graphql.request('query Say($token: String) { say(token: $token) }', { token }),
  telegraf: async (token) => telegram.sendMessage(1, token),
  '@discordjs/rest': async (token) => discord.post('/channels/1/messages', { body: { content: token } }),
  '@influxdata/influxdb-client': async (token) => {
    influx.writeRecord(`items token="${token}"`)
    await influx.flush()
  },
  '@elastic/elasticsearch': async (token) => elasticsearch.index({ index: 'items', document: { token } }),
  bottleneck: async (token) => limiter.schedule(async () => fetch(`${url}/${token}`)),
  'p-queue': async (token) => queue.add(async () => fetch(`${url}/${token}`)),
  dataloader: async (token) => loader.load(token),
  'a queue of one’s own': async (token) =>
    new Promise((resolve, reject) => {
      waiting.push({ token, resolve, reject })
      void drain()
    }),
}

export const { say, receive } = program(clients)
