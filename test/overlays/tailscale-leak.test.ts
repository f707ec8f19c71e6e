/** Not one packet passes the tailnet, whatever is dialled. Packets are counted where the application has no access. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { Namespace, proxyAddress } from '../guard/namespace.ts'
import { Tailnet } from '../peers/tailnet.ts'

const program = fileURLToPath(new URL('./tailscale-leak-program.ts', import.meta.url))
/** Passes the coordination server, its relay and the discovery of paths: all ports except those of DNS. */
const passes = 'meta l4proto { tcp, udp } th dport != { 53, 853, 5353 }'

interface Printed {
  readonly outcomes: Readonly<Record<string, { readonly code: string; readonly milliseconds: number }>>
  readonly web: string
}

function parsed(text: string): Printed
function parsed(text: string): unknown {
  const value: unknown = JSON.parse(text)
  return value
}

it('refuses at once what the tailnet does not route, and sends nothing for it', async () => {
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'troupe-leak-'))
  stack.defer(async () => rm(folder, { recursive: true, force: true }))
  const namespace = stack.use(await Namespace.start(folder, { passes, hosts: ['203.0.113.7 known.test'] }))
  const tailnet = stack.use(await Tailnet.start({ ip: proxyAddress, within: namespace.far }))
  const refused = {
    'known.test': 'ENOTFOUND',
    'example.org': 'ENOTFOUND',
    localhost: 'ENOTFOUND',
    '203.0.113.7': 'EHOSTUNREACH',
    '127.0.0.1': 'EHOSTUNREACH',
    '2001:db8::7': 'EHOSTUNREACH',
    // In the range of tailnets, but not assigned.
    '100.100.100.100': 'EHOSTUNREACH',
    '100.99.99.99': 'EHOSTUNREACH',
  }
  const { outcomes, web } = parsed(
    await namespace.run(program, tailnet.url, await tailnet.key(), ...Object.keys(refused), 'right'),
  )
  for (const [host, code] of Object.entries(refused)) {
    expect({ host, code: outcomes[host]?.code }).toEqual({ host, code })
    expect(outcomes[host]?.milliseconds).toBeLessThan(50)
  }
  expect(web).toBe('ENOTFOUND')
  expect(outcomes['right']?.code).toBe('done')
  const { proxy, ...strays } = await namespace.counters()
  expect(strays).toEqual({ dns: 0, tcp: 0, udp: 0, other: 0 })
  expect(proxy).toBeGreaterThan(0)
})
