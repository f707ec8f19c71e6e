/**
 * Not one packet of a program under `troupe exec` passes the proxy, whatever the program uses. Packets are counted
 * where the program has no access; the same program without `troupe exec` shows that the counters work.
 */
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { z } from 'zod'
import { type Namespace, proxyAddress, proxyPort } from '../guard/namespace.ts'
import { startFarSide } from './far-side.ts'

const program = join(import.meta.dirname, 'programs/ways-program.ts')
const troupe = resolve(import.meta.dirname, '../../packages/cli/src/troupe.ts')
const outcomesSchema = z.record(z.string(), z.string())
let stack = new AsyncDisposableStack()
let namespace: Namespace

beforeEach(async () => {
  stack = new AsyncDisposableStack()
  namespace = (await startFarSide(stack)).namespace
})
afterEach(async () => stack.disposeAsync())

const exec = async (network: string, ...args: readonly string[]) =>
  outcomesSchema.parse(
    JSON.parse(await namespace.run(troupe, 'exec', '--network', network, ...args, '--', process.execPath, program)),
  )

/** This proxy offers neither look-ups nor datagrams. */
const refused = new Set(['dns.resolve', 'dns.resolveTxt', 'dgram', 'a native child', 'a native child, synchronously'])

it('carries or refuses all that a program does, and sends nothing else', async () => {
  const outcomes = await exec(`socks5://${proxyAddress}:${proxyPort}`)
  const { proxy, ...strays } = await namespace.counters()
  expect(strays).toEqual({ dns: 0, tcp: 0, udp: 0, other: 0 })
  expect(proxy).toBeGreaterThan(100)
  const { 'net.connect, an address': address, ...rest } = outcomes
  // The proxy has no route to that address.
  expect(['ECONNRESET', 'ENETUNREACH', 'EHOSTUNREACH', 'ETIMEDOUT', 'late']).toContain(address)
  for (const [way, outcome] of Object.entries(rest)) {
    expect({ way, outcome }).toEqual({ way, outcome: refused.has(way) ? 'EOVERLAY' : 'done' })
  }
})

it('fails with words when the proxy is dead, and sends nothing', async () => {
  const outcomes = await exec('socks5://127.0.0.1:1')
  expect(await namespace.counters()).toEqual({ proxy: 0, dns: 0, tcp: 0, udp: 0, other: 0 })
  const { fetch, 'net.connect': connect, 'dns.lookup': lookup, ...rest } = outcomes
  expect({ fetch, connect, lookup }).toEqual({ fetch: 'ECONNREFUSED', connect: 'ECONNREFUSED', lookup: 'done' })
  expect(Object.values(rest)).not.toContain('done')
})

it('sends much else without "troupe exec"', async () => {
  const outcomes = outcomesSchema.parse(JSON.parse(await namespace.run(program)))
  const { proxy, dns, tcp, udp } = await namespace.counters()
  expect(outcomes).not.toMatchObject({ fetch: 'done' })
  expect(proxy).toBe(0)
  expect(dns).toBeGreaterThan(20)
  expect(tcp).toBeGreaterThan(0)
  expect(udp).toBeGreaterThan(0)
})
