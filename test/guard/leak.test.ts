/**
 * Not one packet passes the overlay. Packets are counted where the application has no access, with the guard and, as a
 * control, without it.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { Namespace } from './namespace.ts'

const program = fileURLToPath(new URL('./leak-program.ts', import.meta.url))
let stack = new AsyncDisposableStack()
let folder = ''
let namespace: Namespace

beforeEach(async () => {
  stack = new AsyncDisposableStack()
  folder = await mkdtemp(join(tmpdir(), 'troupe-leak-'))
  stack.defer(async () => rm(folder, { recursive: true, force: true }))
  namespace = stack.use(await Namespace.start(folder, { names: ['web.test', 'leak.test'] }))
})
afterEach(async () => stack.disposeAsync())

/** The outcome of each way, as the program prints it. */
function parsed(text: string): Readonly<Record<string, string>>
function parsed(text: string): unknown {
  const value: unknown = JSON.parse(text)
  return value
}

const refused = [
  'dns.resolve4',
  'dns.reverse',
  'dns.Resolver',
  'dns.lookupService',
  'dgram.send',
  'child',
  'a child, synchronously',
  'thread',
]
const carried = [
  'net.connect, a name',
  'net.connect, an address',
  'tls.connect, an address',
  'fetch, a name',
  'dns.lookup, then connect',
]

it('sends nothing except to the proxy', async () => {
  const outcomes = parsed(await namespace.run(program, 'guarded'))
  const { proxy, ...strays } = await namespace.counters()
  expect(strays).toEqual({ dns: 0, tcp: 0, udp: 0, other: 0 })
  expect(proxy).toBeGreaterThan(100)
  for (const way of refused) expect({ way, outcome: outcomes[way] }).toEqual({ way, outcome: 'EOVERLAY' })
  for (const way of carried) expect({ way, outcome: outcomes[way] }).not.toEqual({ way, outcome: 'EOVERLAY' })
  expect(outcomes['dns.lookup']).toBe('done')
  // Each reached the proxy, whose port is closed.
  expect(Object.values(outcomes)).not.toContain('ENOTFOUND')
})

it('would send much more without the guard', async () => {
  await namespace.run(program, 'unguarded')
  const { dns, tcp, udp } = await namespace.counters()
  expect(dns).toBeGreaterThan(5)
  expect(tcp).toBeGreaterThan(0)
  expect(udp).toBeGreaterThan(0)
})
