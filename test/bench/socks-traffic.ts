/**
 * Traffic on established connections: requests on keep-alive ones, and a tunnel's throughput; and many concurrent
 * connections.
 */
import { Agent as HttpAgent, get, type RequestOptions } from 'node:http'
import type { Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { entryId } from '@troupe/core'
import { provideNetworkAccess } from '@troupe/network'
import { rebindThreadNetwork } from '@troupe/network/kernel'
import { SocksProxyAgent } from 'socks-proxy-agent'
import { http } from 'troupe'
import { Agent, type buildConnector, fetch, request } from 'undici'
import { type Line, median, scaled } from './measure.ts'
import { bare, type ClientName, type Connect, clientsOf, type Place, routeTo } from './socks-clients.ts'

const tunnelBytes = scaled(256, 8) * 1024 * 1024

/** CPU of one request on a keep-alive connection, in microseconds. */
export async function keptConnections(proxy: Place, target: Place): Promise<readonly Line[]> {
  const url = `http://${target.host}:${target.port}/`
  const route = routeTo(proxy, false)
  provideNetworkAccess({ select: async () => {}, route: async () => route })
  rebindThreadNetwork({ overlay: entryId('bench:proxy') })
  const proxyAgent = new SocksProxyAgent(`socks5h://${proxy.host}:${proxy.port}`, { keepAlive: true, maxSockets: 1 })
  const onBare: buildConnector.connector = (_options, done) => void answer(bare(proxy, target, false), done)
  const dispatcher = new Agent({
    connections: 1,
    connect: onBare,
  })
  const plain = new HttpAgent({ keepAlive: true, maxSockets: 1 })
  const viaNode = (options: RequestOptions) =>
    new Promise<string>((resolve, reject) => {
      get(url, options, (response) => resolve(text(response))).on('error', reject)
    })
  const rivals: readonly (readonly [name: string, limit: number | undefined, way: () => Promise<unknown>])[] = [
    ['node:http with socks-proxy-agent', 0.5, () => viaNode({ agent: proxyAgent })],
    ['undici.request on the same hop', 1.03, async () => (await request(url, { dispatcher })).body.text()],
    ['fetch of undici on the same hop', undefined, async () => (await fetch(url, { dispatcher })).text()],
    ['node:http in the clear', undefined, () => viaNode({ agent: plain })],
  ]
  const ours = async () => (await http.get(url)).text()
  const found = await cpuOf([ours, ...rivals.map(([, , way]) => way)], scaled(30, 4), scaled(300, 20))
  proxyAgent.destroy()
  plain.destroy()
  await dispatcher.destroy()
  const [figure = Number.NaN, ...others] = found
  return rivals.map(([name, limit], index): Line => {
    const peer = { name, figure: others[index] ?? Number.NaN }
    return {
      what: 'a request on a kept connection: cpu',
      figure,
      unit: 'µs',
      peer,
      ...(limit !== undefined && { target: { text: `≤ ${limit}`, met: figure / peer.figure <= limit } }),
    }
  })
}

async function answer(connected: Promise<Socket>, done: buildConnector.Callback): Promise<void> {
  done(null, await connected)
}

/** Microseconds of one call of each way: medians of alternating blocks. */
async function cpuOf(
  ways: readonly (() => Promise<unknown>)[],
  blocks: number,
  perBlock: number,
): Promise<readonly number[]> {
  const cpu = ways.map(() => new Array<number>())
  for (let block = 0; block < blocks; block += 1) {
    for (const [index, way] of ways.entries()) {
      const before = process.cpuUsage()
      for (let n = 0; n < perBlock; n += 1) await way()
      const { user, system } = process.cpuUsage(before)
      if (block >= blocks / 3) cpu[index]?.push((user + system) / perBlock)
    }
  }
  return cpu.map(median)
}

/** MiB/s of the best of several downloads. */
export async function tunnel(proxy: Place, target: Place): Promise<readonly Line[]> {
  const ours = clientsOf(proxy, target, false).get('ours')
  if (ours === undefined) return []
  let [figure, floor] = [0, 0]
  for (let round = 0; round < 7; round += 1) {
    floor = Math.max(floor, await download(() => bare(proxy, target, false)))
    figure = Math.max(figure, await download(ours))
  }
  const met = figure / floor >= 0.95
  return [
    {
      what: 'throughput of a tunnel',
      figure,
      unit: 'MiB/s',
      peer: { name: 'bare', figure: floor },
      target: { text: '≥ 0.95', met },
    },
  ]
}

async function download(connect: Connect): Promise<number> {
  const socket: Socket = await connect()
  socket.write('go')
  const began = performance.now()
  let bytes = 0
  for await (const chunk of socket) {
    if (Buffer.isBuffer(chunk)) bytes += chunk.length
    if (bytes >= tunnelBytes) break
  }
  return bytes / 1024 / 1024 / ((performance.now() - began) / 1000)
}

/** Errors among a thousand connections that are requested in one turn. */
export async function atOnce(proxy: Place, target: Place): Promise<readonly Line[]> {
  const clients = clientsOf(proxy, target, false)
  const failed = async (name: ClientName) => {
    const connect = clients.get(name) ?? (() => Promise.reject(new Error(name)))
    const began = performance.now()
    const outcomes = await Promise.allSettled(Array.from({ length: 1000 }, () => connect()))
    const milliseconds = performance.now() - began
    for (const outcome of outcomes) if (outcome.status === 'fulfilled') outcome.value.destroy()
    return { failures: outcomes.filter(({ status }) => status === 'rejected').length, milliseconds }
  }
  const theirs = await failed('socks')
  const mine = await failed('ours')
  return [
    {
      what: '1,000 connections at once: errors',
      figure: mine.failures,
      unit: '',
      target: { text: '0', met: mine.failures === 0 },
    },
    {
      what: '1,000 connections at once',
      figure: mine.milliseconds,
      unit: 'ms',
      peer: { name: 'socks', figure: theirs.milliseconds },
    },
  ]
}
