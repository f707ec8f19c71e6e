/**
 * Not one packet passes the router's SAM port. Packets are counted where the application has no access. `leak.test.ts`
 * shows that they would be counted.
 */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, it } from 'vitest'
import { Namespace } from '../guard/namespace.ts'
import { waysOut } from '../guard/ways-out.ts'
import { Daemon } from '../peers/daemon.ts'
import { samPort } from '../peers/i2pd.ts'
import { stateFolder } from './i2p-fixture.ts'

const far = fileURLToPath(new URL('./i2p-far.ts', import.meta.url))
const application = fileURLToPath(new URL('./i2p-leak-program.ts', import.meta.url))
const stack = new AsyncDisposableStack()
afterAll(async () => stack.disposeAsync())

interface Printed {
  readonly outcomes: Readonly<Record<string, string>>
  readonly echo: string
}

function parsed(text: string): Printed
function parsed(text: string): unknown {
  const value: unknown = JSON.parse(text)
  return value
}

it('everything goes to the SAM port, or is refused', async () => {
  const [folder, state] = [await stateFolder(stack), await stateFolder(stack)]
  const namespace = stack.use(await Namespace.start(folder, { passes: `tcp dport ${samPort}` }))
  const [program = '', ...within] = namespace.far
  const args = [...within, process.execPath, far, join(folder, 'i2p')]
  const router = stack.use(new Daemon({ name: 'router', program, args, log: join(folder, 'router.log') }))
  const host = (await router.printed(/^echo /)).slice('echo '.length)
  const { outcomes, echo } = parsed(await namespace.run(application, host, state))
  const { proxy, ...strays } = await namespace.counters()
  expect(strays).toEqual({ dns: 0, tcp: 0, udp: 0, other: 0 })
  expect(echo).toBe('hello')
  expect(proxy).toBeGreaterThan(100)
  // No external address is in I2P. The router is still creating a session for the datagram.
  const others: Readonly<Record<string, string>> = { 'dns.lookup': 'done', 'dgram.send': 'late' }
  for (const way of Object.keys(waysOut))
    expect({ way, outcome: outcomes[way] }).toEqual({ way, outcome: others[way] ?? 'EOVERLAY' })
  expect(Object.values(outcomes)).not.toContain('ENOTFOUND')
})
