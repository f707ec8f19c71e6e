/**
 * One way of one benchmark of the guard, in its own process: arguments `<way> <host> <ports of HTTP, TLS> <proxy>`.
 * Each input line names a workload. For each it prints a figure: µs of processor time an operation, or megabytes a
 * second.
 */
import http from 'node:http'
import net from 'node:net'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import tls from 'node:tls'
import { emptyFrame, entryId, runInFrame } from '@troupe/core'
import { bindThreadNetwork, installGuard, provideNetworkAccess } from '@troupe/network'
import { SocksProxyAgent } from 'socks-proxy-agent'
import { socks5Route } from '../overlays/socks5-fixture.ts'
import { scaled } from './measure.ts'

const [way = '', host = '', httpPort = '', tlsPort = '', proxy = '', proxyPort = ''] = process.argv.slice(2)
const overlay = way === 'overlay' ? entryId('app:proxy') : null
if (way === 'clear' || way === 'overlay') {
  const route = await socks5Route('proxy', { host: proxy, port: Number(proxyPort) })
  installGuard()
  bindThreadNetwork({ overlay })
  provideNetworkAccess({ select: async () => {}, route: async () => Promise.resolve(route) })
}
const url = `socks5h://${proxy}:${proxyPort}`
const rival = way === 'socks-proxy-agent'
const kept = rival ? new SocksProxyAgent(url, { keepAlive: true }) : new http.Agent({ keepAlive: true })

async function request(agent: http.Agent): Promise<void> {
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    http.get({ host, port: Number(httpPort), agent }, resolve).on('error', reject)
  })
  await once(response.resume(), 'end')
}

/** µs of processor time an operation. */
async function cost(count: number, operation: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage()
  for (let i = 0; i < count; i++) await operation()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / count
}

/** TLS through the rival, which requires the target in the options of the request. */
async function overRival(options: tls.ConnectionOptions & { host: string; port: number }): Promise<net.Socket> {
  const request = http
    .request('http://localhost', { agent: false })
    .on('error', () => {})
    .destroy()
  return new SocksProxyAgent(url).connect(request, { ...options, secureEndpoint: true })
}

/** Megabytes a second that the TLS server sends until it ends. */
async function throughput(): Promise<number> {
  const options = { host, port: Number(tlsPort), rejectUnauthorized: false }
  const socket = rival ? await overRival(options) : tls.connect(options)
  let bytes = 0
  const began = performance.now()
  socket.on('data', (chunk) => {
    bytes += chunk.length
  })
  await once(socket, 'end')
  return bytes / 1000 / (performance.now() - began)
}

const workloads: Readonly<Record<string, () => Promise<number>>> = {
  'keep-alive': async () => cost(scaled(1000, 20), async () => request(kept)),
  'new connections': async () =>
    cost(scaled(300, 20), async () => request(rival ? new SocksProxyAgent(url) : new http.Agent())),
  connect: async () =>
    cost(scaled(500, 20), async () => {
      const socket = net.connect(Number(httpPort), host)
      await once(socket, 'connect')
      socket.destroy()
    }),
  TLS: throughput,
}

for await (const line of createInterface(process.stdin)) {
  const run = workloads[line]
  console.log(await runInFrame(emptyFrame, async () => run?.()))
}
