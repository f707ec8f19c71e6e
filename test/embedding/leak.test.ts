/**
 * A program that embeds an application sends not one packet past the default overlay, from the first instant of `boot`
 * on.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { z } from 'zod'
import { Namespace, proxyPort } from '../guard/namespace.ts'

const program = fileURLToPath(new URL('./leak-program.ts', import.meta.url))
const outcomesSchema = z.record(z.string(), z.record(z.string(), z.string()))
let stack = new AsyncDisposableStack()
let namespace: Namespace

beforeEach(async () => {
  stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'troupe-embedding-'))
  stack.defer(async () => rm(folder, { recursive: true, force: true }))
  // Packets to the proxy pass, and are refused there, because its port is closed.
  namespace = stack.use(await Namespace.start(folder, { passes: `tcp dport ${proxyPort}` }))
})
afterEach(async () => stack.disposeAsync())

async function run(network: 'default' | 'clear', who: 'own' | 'application') {
  const outcomes = outcomesSchema.parse(JSON.parse(await namespace.run(program, network, who)))
  const { proxy, ...strays } = await namespace.counters()
  return { outcomes, proxy, strays }
}

const none = { dns: 0, tcp: 0, udp: 0, other: 0 }

/** All possible outcomes. A name that is looked up in an overlay gets a placeholder address, without a packet. */
const successes = (outcomes: z.infer<typeof outcomesSchema>) =>
  Object.entries(outcomes).flatMap(([place, ends]) =>
    Object.entries(ends).flatMap(([way, end]) => (end === 'done' && way !== 'dns.lookup' ? [`${place}: ${way}`] : [])),
  )

it('sends nothing outside the overlay: before boot resolves, after, and when the application has stopped', async () => {
  const { outcomes, proxy, strays } = await run('default', 'own')
  expect(strays).toEqual(none)
  expect(proxy).toBeGreaterThan(10)
  expect(successes(outcomes)).toEqual([])
  expect(Object.keys(outcomes)).toEqual(['before boot resolves', 'outside app.run', 'inside app.run', 'after stop'])
})

it.each(['default', 'clear'] as const)(
  'nor does the code of the application, for a program in the %s network',
  async (network) => {
    const { outcomes, proxy, strays } = await run(network, 'application')
    expect(strays).toEqual(none)
    expect(proxy).toBeGreaterThan(10)
    expect(successes(outcomes)).toEqual([])
    expect(Object.keys(outcomes)).toHaveLength(8)
  },
)

it('connects directly itself with "network: null"', async () => {
  const { strays } = await run('clear', 'own')
  expect(strays.dns).toBeGreaterThan(5)
  expect(strays.tcp).toBeGreaterThan(5)
  expect(strays.udp).toBeGreaterThan(0)
})
