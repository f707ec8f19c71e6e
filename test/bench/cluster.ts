/**
 * `npm run bench:cluster`: calls and messages between processes of two nodes beside requests and messages of raw NATS,
 * through one server in the same run. Each end is an operating-system process.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { NatsConnection } from '@nats-io/transport-node'
import { z } from 'zod'
import { Servers } from '../cluster/servers.ts'
import { type TalkingNode, twoNodes } from '../cluster/talking-node.ts'
import { type Line, median, now, printTable, scaled } from './measure.ts'

const rounds = scaled(5, 1)
const calls = { 1: scaled(2_000, 50), 8: scaled(8_000, 100), 64: scaled(30_000, 200), 512: scaled(60_000, 600) }
const sends = scaled(200_000, 500)
const inFlights = [1, 8, 64, 512] as const
const targets = { 1: 0.5, 8: 0.8, 64: 1.5, 512: 3 } as const

type InFlight = (typeof inFlights)[number]

/** Runs `once` so many times, so many at a time, and returns how many there are in a second. */
async function rate(count: number, inFlight: number, one: () => Promise<unknown>): Promise<number> {
  const start = now()
  let left = count
  const lane = async () => {
    while (left > 0) {
      left -= 1
      await one()
    }
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
  return (count / (now() - start)) * 1_000
}

async function rawSends(connection: NatsConnection): Promise<number> {
  const payload = new TextEncoder().encode('12345678')
  const counted = async () => Number((await connection.request('raw.count')).string())
  const before = await counted()
  const start = now()
  for (let sent = 0; sent < sends; sent += 1) {
    connection.publish('raw.publish', payload)
    // The client has no other flow control.
    if (sent % 1_000 === 999) await connection.flush()
  }
  while ((await counted()) - before < sends) await connection.flush()
  return (sends / (now() - start)) * 1_000
}

/** What a process measured. */
async function measured(node: TalkingNode, pid: string, topic: string, payload: object): Promise<number> {
  return z.number().parse(await node.tell(pid, topic, payload))
}

await using stack = new AsyncDisposableStack()
const servers = stack.use(await Servers.start({ count: 1 }))
const { a, b } = await twoNodes(stack, servers)
const [near, far] = [await a.spawn(), await b.spawn()]
const to = b.remote(far)
const address = (servers.urls[0] ?? '').replace('nats://', '')
const responder = spawn(process.execPath, [join(import.meta.dirname, 'cluster-responder.ts'), address], {
  stdio: ['pipe', 'pipe', 'inherit'],
})
stack.defer(() => {
  responder.kill()
})
await once(responder.stdout, 'data')
const connection = await servers.connect()
stack.defer(async () => connection.close())

const ours = new Map<InFlight | 'sends', number[]>()
const raw = new Map<InFlight | 'sends', number[]>()
const note = (all: typeof ours, key: InFlight | 'sends', value: number) => {
  all.set(key, [...(all.get(key) ?? []), value])
}
for (let round = 0; round < rounds; round += 1) {
  for (const inFlight of inFlights) {
    const count = calls[inFlight]
    note(ours, inFlight, await measured(a, near, 'calls', { to, count, inFlight }))
    note(raw, inFlight, await rate(count, inFlight, async () => connection.request('raw.request', '12345678')))
  }
  note(ours, 'sends', await measured(a, near, 'sends', { to, count: sends }))
  note(raw, 'sends', await rawSends(connection))
}

function line(key: InFlight | 'sends', what: string, name: string, least: number): Line {
  const [figure, peer] = [median(ours.get(key) ?? []), median(raw.get(key) ?? [])]
  const target = { text: `at least ${least} ×`, met: figure / peer >= least }
  return { what, figure, unit: '/s', peer: { name, figure: peer }, target }
}

const lines = [
  ...inFlights.map((each) => line(each, `calls, ${each} in flight`, 'raw requests', targets[each])),
  line('sends', 'sends', 'raw publishes', 1),
]
printTable(`two nodes and one nats-server on loopback, Node ${process.version}`, lines)
