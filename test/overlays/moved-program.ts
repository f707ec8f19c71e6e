/**
 * Runs in a namespace: a node of a tailnet whose coordination server moves to another address of its name. Each line of
 * its input is a question; it prints the answer as a line of JSON.
 */
import { createInterface } from 'node:readline'
import { dial, type Target } from '@troupe/network'
import { TailnetWorld } from './tailscale-fixture.ts'
import { greet, serveVisits, visitedFrom } from './visits.ts'

const [url = '', key = '', peer = ''] = process.argv.slice(2)
const far: Target = { host: peer, port: 80 }
await using world = await TailnetWorld.in({ url, key: async () => Promise.resolve(key) })
const near = await world.node('near')
const place = await serveVisits(near, 80)
const stream = await dial(near.route, far)
let heard = ''
stream.on('error', (error) => void (heard += ` ${error.message}`)).on('data', (chunk) => void (heard += String(chunk)))

const questions: Readonly<Record<string, (word: string) => Promise<unknown>>> = {
  /** What a peer replies to a dial. */
  greet: async (host) => greet(near.route, { host, port: 80 }),
  /** What the peer receives from the listener here. */
  visited: async () => visitedFrom(near.route, far, place),
  state: async () => {
    near.doubt?.()
    return world.overlays.status(near.id)
  },
  say: async (word) => Promise.resolve(stream.write(word)),
  heard: async () => Promise.resolve(heard),
}

process.stdout.write('"ready"\n')
for await (const line of createInterface({ input: process.stdin })) {
  const [question = '', word = ''] = line.split(' ')
  const answer = await questions[question]?.(word).catch(String)
  process.stdout.write(`${JSON.stringify(answer ?? null)}\n`)
}
process.exit()
