/**
 * The network to the peer of an overlay goes down, and comes up again: a wire between two namespaces, whose far side
 * counts all other packets.
 */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { Namespace, proxyAddress, proxyPort } from '../guard/namespace.ts'
import { Daemon } from '../peers/daemon.ts'
import { samPort, zeroHops } from '../peers/i2pd.ts'
import { stateFolder } from './i2p-fixture.ts'

const application = fileURLToPath(new URL('./unreachable-program.ts', import.meta.url))
const far = fileURLToPath(new URL('./i2p-far.ts', import.meta.url))
const echoProgram = `require('node:net').createServer((socket) => socket.on('error', () => {}).pipe(socket)).listen(7007, '127.0.0.1', () => console.log('echo 127.0.0.1'))`

interface Case {
  readonly kind: string
  readonly passes: string | undefined
  readonly fields: object
  /** The program on the far side that prints the address of its echo server, and the server's port. */
  readonly far: (folder: string) => readonly string[]
  readonly port: number
}

const cases: readonly Case[] = [
  {
    kind: 'network.socks5',
    passes: undefined,
    fields: { host: proxyAddress, port: proxyPort },
    far: () => ['-e', echoProgram],
    port: 7007,
  },
  {
    kind: 'network.i2p',
    passes: `tcp dport ${samPort}`,
    fields: { host: proxyAddress, port: samPort, options: zeroHops, wait_timeout: '1s' },
    far: (folder) => [far, join(folder, 'i2p')],
    port: 80,
  },
]

it.each(cases)(
  '$kind is down, and goes on where it was when the network is back',
  { timeout: 240_000 },
  async ({ kind, passes, fields, far: program, port }) => {
    await using stack = new AsyncDisposableStack()
    const [folder, state] = [await stateFolder(stack), await stateFolder(stack)]
    const namespace = stack.use(await Namespace.start(folder, passes === undefined ? {} : { passes }))
    const [first = '', ...within] = namespace.far
    const args = [...within, process.execPath, ...program(folder)]
    const peer = stack.use(new Daemon({ name: 'echo', program: first, args, log: join(folder, 'echo.log') }))
    const host = (await peer.printed(/^echo /)).slice('echo '.length)
    const printed: unknown = JSON.parse(await namespace.run(application, kind, JSON.stringify(fields), host, String(port), state))
    expect(printed).toEqual({
      failed: 'Unavailable ENETUNREACH true',
      reason: expect.stringContaining('ENETUNREACH') as string,
      heard: 'before and while',
    })
    const { proxy, ...strays } = await namespace.counters()
    expect(strays).toEqual({ dns: 0, tcp: 0, udp: 0, other: 0 })
    expect(proxy).toBeGreaterThan(0)
  },
)
