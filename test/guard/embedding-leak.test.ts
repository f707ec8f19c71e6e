/** Not one packet past the default overlay by a program that embeds an application: counted where it cannot reach. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { Namespace } from './namespace.ts'

const program = fileURLToPath(new URL('./embedding-leak-program.ts', import.meta.url))
const places = ['while it boots', 'afterwards', 'in app.run', 'in a process', 'in a function', 'in an inline function']
let stack = new AsyncDisposableStack()
let namespace: Namespace

beforeEach(async () => {
  stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'troupe-embedding-'))
  stack.defer(async () => rm(folder, { recursive: true, force: true }))
  namespace = stack.use(await Namespace.start(folder, { names: ['leak.test'] }))
})
afterEach(async () => stack.disposeAsync())

/** What each way ended with, by where it was tried, as the program prints it. */
function parsed(text: string): Readonly<Record<string, Readonly<Record<string, string>>>>
function parsed(text: string): unknown {
  const value: unknown = JSON.parse(text)
  return value
}

it('sends nothing but to the proxy of its default network', async () => {
  const outcomes = parsed(await namespace.run(program, 'app:proxy'))
  expect(Object.keys(outcomes)).toEqual(places)
  const { proxy, ...strays } = await namespace.counters()
  expect(strays).toEqual({ dns: 0, tcp: 0, udp: 0, other: 0 })
  expect(proxy).toBeGreaterThan(50)
  for (const place of places) {
    for (const way of ['dgram.send', 'child', 'a child, synchronously', 'thread', 'dns.resolve4'])
      expect({ place, way, outcome: outcomes[place]?.[way] }).toEqual({ place, way, outcome: 'EOVERLAY' })
  }
})

it('would send much else without one', async () => {
  const outcomes = parsed(await namespace.run(program))
  expect(Object.keys(outcomes)).toEqual(places)
  const { proxy, dns, tcp, udp } = await namespace.counters()
  expect(proxy).toBe(0)
  expect(dns).toBeGreaterThan(5)
  expect(tcp).toBeGreaterThan(0)
  expect(udp).toBeGreaterThan(0)
})
