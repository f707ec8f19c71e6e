/**
 * Runs in a namespace that contains two nodes of a tailnet: dials what the tailnet does not route, and what it does.
 * Prints the outcome of each, and the shortest time in milliseconds.
 */
import { bindThreadNetwork, dial, installGuard, provideNetworkAccess } from '@troupe/network'
import { rebindThreadNetwork } from '@troupe/network/kernel'
import { echoed } from './echoed.ts'
import type { Tailnet } from '../peers/tailnet.ts'
import { serve, TailnetWorld } from './tailscale-fixture.ts'

const attempts = 5
const [url = '', key = '', ...hosts] = process.argv.slice(2)
const tailnet: Pick<Tailnet, 'url' | 'key'> = { url, key: async () => Promise.resolve(key) }
installGuard()
bindThreadNetwork({ overlay: null })
await using world = await TailnetWorld.in(tailnet)
const [left, right] = await Promise.all([world.node('left'), world.node('right')])
await serve(right, 80, (socket) => socket.pipe(socket))
provideNetworkAccess({ select: async () => {}, route: async () => Promise.resolve(left.route) })

const outcomes: Record<string, { readonly code: string; readonly milliseconds: number }> = {}
for (const host of hosts) {
  let [code, milliseconds] = ['', Infinity]
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const began = performance.now()
    code = await ended(async () => echoed(await dial(left.route, { host, port: 80 }), Buffer.from('hello')))
    milliseconds = Math.min(milliseconds, performance.now() - began)
  }
  outcomes[host] = { code, milliseconds }
}
rebindThreadNetwork({ overlay: left.id })
const web = await ended(async () => fetch(`http://${hosts[0]}/`))
process.stdout.write(JSON.stringify({ outcomes, web }))

/** A word for the outcome of `use`. */
async function ended(use: () => Promise<unknown>): Promise<string> {
  try {
    await use()
    return 'done'
  } catch (error) {
    return codeOf(error) ?? String(error)
  }
}

/** The tailnet's word, or that of the error's cause. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  if (
    'details' in error &&
    typeof error.details === 'object' &&
    error.details !== null &&
    'replyCode' in error.details
  ) {
    return String(error.details.replyCode)
  }
  return codeOf(error.cause)
}
