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
import { Tailnet } from '../peers/tailnet.ts'
import { stateFolder } from './i2p-fixture.ts'

const application = fileURLToPath(new URL('./unreachable-program.ts', import.meta.url))
const i2pFar = fileURLToPath(new URL('./i2p-far.ts', import.meta.url))
const tailnetFar = fileURLToPath(new URL('./tailnet-far.ts', import.meta.url))
const echoProgram =
  `require('node:net').createServer((socket) => socket.on('error', () => ` +
  `{}).pipe(socket)).listen(7007, '127.0.0.1', () => console.log('echo 127.0.0.1'))`

interface Case {
  readonly kind: string
  readonly passes: string | readonly string[] | undefined
  /** The fields of the overlay, and the program on the far side that prints the address of its echo server. */
  readonly plan: (
    stack: AsyncDisposableStack,
    namespace: Namespace,
    folder: string,
  ) => Promise<{ readonly fields: object; readonly far: readonly string[] }>
  /** Of the echo server. */
  readonly port: number
}

const cases: readonly Case[] = [
  {
    kind: 'network.socks5',
    passes: undefined,
    plan: async () => Promise.resolve({ fields: { host: proxyAddress, port: proxyPort }, far: ['-e', echoProgram] }),
    port: 7007,
  },
  {
    kind: 'network.i2p',
    // The router connects to listeners: replies pass, new connections do not.
    passes: [`tcp dport ${samPort}`, 'tcp flags & (syn | ack) != syn'],
    plan: async (_stack, _namespace, folder) =>
      Promise.resolve({
        fields: { host: proxyAddress, port: samPort, options: zeroHops, wait_timeout: '1s' },
        far: [i2pFar, join(folder, 'i2p')],
      }),
    port: 80,
  },
  {
    kind: 'network.tailscale',
    // The coordination server, its relay, and the peer, all at addresses of the far side: everything but DNS.
    passes: 'meta l4proto { tcp, udp } th dport != { 53, 853, 5353 }',
    async plan(stack, { far }) {
      const tailnet = stack.use(await Tailnet.start({ ip: proxyAddress, within: far }))
      return {
        fields: { control_url: tailnet.url, auth_key: await tailnet.key() },
        far: [tailnetFar, tailnet.url, await tailnet.key(), 'far'],
      }
    },
    port: 80,
  },
]

it.each(cases)(
  '$kind is down, and continues when the network is back',
  { timeout: 240_000 },
  async ({ kind, passes, plan, port }) => {
    await using stack = new AsyncDisposableStack()
    const [folder, state] = [await stateFolder(stack), await stateFolder(stack)]
    const namespace = stack.use(await Namespace.start(folder, passes === undefined ? {} : { passes }))
    const { fields, far } = await plan(stack, namespace, folder)
    const [first = '', ...within] = namespace.far
    const args = [...within, process.execPath, ...far]
    const peer = stack.use(new Daemon({ name: 'echo', program: first, args, log: join(folder, 'echo.log') }))
    const host = (await peer.printed(/^echo /)).slice('echo '.length)
    const printed: unknown = JSON.parse(
      await namespace.run(application, kind, JSON.stringify(fields), host, String(port), state),
    )
    expect(printed).toEqual({
      failed: 'Unavailable ENETUNREACH true',
      reason: expect.stringMatching(/ENETUNREACH|network is unreachable/) as string,
      heard: 'before and while',
    })
    const { proxy, ...strays } = await namespace.counters()
    expect(strays).toEqual({ dns: 0, tcp: 0, udp: 0, other: 0 })
    expect(proxy).toBeGreaterThan(0)
  },
)
