/**
 * One HTTP client in its own process, so that it pays for its own garbage and its own machine code. Arguments:
 * `<client> <URL> <proxy host> <proxy port>`, the proxy only for those that use one. For each input line,
 * `<requests> <at once>`, it prints the cost of a request: microseconds of time, and of CPU.
 */
import { Agent as HttpAgent, get, type RequestOptions } from 'node:http'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { emptyFrame, entryId, runInFrame } from '@troupe/core'
import { bindThreadNetwork, installGuard, provideNetworkAccess } from '@troupe/network'
import axios from 'axios'
import { SocksProxyAgent } from 'socks-proxy-agent'
import { http } from 'troupe'
import { Agent, type buildConnector, fetch, request } from 'undici'
import { bare, routeTo } from './socks-clients.ts'

const [client = '', url = '', proxyHost = '', proxyPort = ''] = process.argv.slice(2)
const proxied = proxyHost !== ''
const proxy = { host: proxyHost, port: Number(proxyPort) }

type Way = () => Promise<unknown>

/** A client is created on demand: otherwise our guard would see the connections of the others. */
const clients: Readonly<Record<string, () => Way>> = {
  ours() {
    const route = routeTo(proxy, false)
    installGuard()
    bindThreadNetwork({ overlay: proxied ? entryId('bench:proxy') : null })
    // As in an application that has no policies for the caller.
    const permit = () => undefined
    provideNetworkAccess({
      select: async () => {},
      route: async () => Promise.resolve(route),
      permit,
      governs: () => false,
    })
    return async () => (await http.get(url)).text()
  },
  'undici.request'() {
    const dispatcher = dispatcherOf()
    return async () => (await request(url, { dispatcher })).body.text()
  },
  'undici.fetch'() {
    const dispatcher = dispatcherOf()
    return async () => (await fetch(url, { dispatcher })).text()
  },
  'node:http'() {
    const agent = agentOf()
    return () => viaNode({ agent })
  },
  axios() {
    const agent = agentOf()
    return async () => axios.get(url, { httpAgent: agent, proxy: false, responseType: 'text' })
  },
}

function dispatcherOf(): Agent {
  const { hostname: host, port } = new URL(url)
  const connect: buildConnector.connector = (_options, done) =>
    void answer(bare(proxy, { host, port: Number(port) }, false), done)
  return new Agent(proxied ? { connect } : {})
}

async function answer(connected: ReturnType<typeof bare>, done: buildConnector.Callback): Promise<void> {
  done(null, await connected)
}

function agentOf(): HttpAgent {
  if (!proxied) return new HttpAgent({ keepAlive: true })
  return new SocksProxyAgent(`socks5h://${proxy.host}:${proxy.port}`, { keepAlive: true })
}

async function viaNode(options: RequestOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, options, (response) => resolve(text(response))).on('error', reject)
  })
}

async function inTurn(way: Way, count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) await way()
}

// A process runs in its frame all the time.
const inFrame = <T>(fn: () => T): T => (client === 'ours' ? runInFrame(emptyFrame, fn) : fn())

const way = clients[client]?.()
if (way === undefined) throw new Error(`there is no client "${client}"`)

for await (const line of createInterface({ input: process.stdin })) {
  const [count = 0, atOnce = 1] = line.split(' ').map(Number)
  const before = process.cpuUsage()
  const began = performance.now()
  await inFrame(async () => Promise.all(Array.from({ length: atOnce }, async () => inTurn(way, count / atOnce))))
  const microseconds = (performance.now() - began) * 1000
  const { user, system } = process.cpuUsage(before)
  console.log(`${microseconds / count} ${(user + system) / count}`)
}
