/**
 * `npm test` of a package under `troupe exec`: its tests of undici, axios and ws end as they do without it, on a
 * machine that reaches the servers directly. Not one packet passes the proxy.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname, join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Namespace, proxyAddress, proxyPort } from '../guard/namespace.ts'
import { startFarSide } from './far-side.ts'

const troupe = resolve(import.meta.dirname, '../../packages/cli/src/troupe.ts')
const cwd = join(import.meta.dirname, 'fixtures/clients')
const proxy = `socks5://${proxyAddress}:${proxyPort}`
/** Each test starts npm several times. */
const timeout = 600_000
const stack = new AsyncDisposableStack()
let namespace: Namespace

beforeAll(async () => {
  namespace = (await startFarSide(stack)).namespace
})
afterAll(async () => stack.disposeAsync())

interface Ended {
  readonly status: number | null
  /** Of the reporter, such as `pass 12`. */
  readonly counts: readonly string[]
  /** The names of the tests, with their outcomes. */
  readonly tests: readonly string[]
}

/** Runs `npm test` by that command. */
async function suite([program = '', ...args]: readonly string[], more: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`, ...more }
  const child = spawn(program, [...args, 'npm', 'test'], { cwd, env, stdio: ['ignore', 'pipe', 'inherit'] })
  const [printed] = await Promise.all([text(child.stdout), once(child, 'exit')])
  const matches = (pattern: RegExp) => Array.from(printed.matchAll(pattern), ([, found = '']) => found)
  return {
    status: child.exitCode,
    counts: matches(/^# ((?:tests|suites|pass|fail|cancelled|skipped|todo) \d+)$/gm),
    tests: matches(/^ *((?:not )?ok \d+ - .*)$/gm).toSorted(),
  }
}

const inOverlay = () => [...namespace.near, process.execPath, troupe, 'exec', '--network', proxy, '--']

it.each([
  ['passes', {}, 0, ['tests 21', 'suites 3', 'pass 20', 'fail 0', 'cancelled 0', 'skipped 1', 'todo 0']],
  ['fails', { BREAK: '1' }, 1, ['tests 21', 'suites 3', 'pass 19', 'fail 1', 'cancelled 0', 'skipped 1', 'todo 0']],
] as const)('a suite %s as it does without it', { timeout }, async (_, env, status, counts) => {
  const before = await namespace.counters()
  const ended = await suite(inOverlay(), env)
  expect(ended).toMatchObject({ status, counts })
  expect(ended).toEqual(await suite(namespace.far, env))
  const { proxy: carried, ...strays } = await namespace.counters()
  expect(carried - before.proxy).toBeGreaterThan(100)
  expect(strays).toEqual({ dns: 0, tcp: 0, udp: 0, other: 0 })
})

it('the same suite without it fails, and sends packets elsewhere', { timeout }, async () => {
  expect(await suite(namespace.near)).toMatchObject({ status: 1 })
  const { dns, tcp, udp, other } = await namespace.counters()
  expect(dns + tcp + udp + other).toBeGreaterThan(0)
})
