/**
 * Runs in a namespace: all libraries to an address in I2P, and all ways out, in a thread of an overlay of I2P. Prints
 * the outcome of each, and the echo of a connection.
 */
import { entryId } from '@troupe/core'
import { bindThreadNetwork, dial, installGuard } from '@troupe/network'
import ssh2 from 'ssh2'
import { proxyAddress } from '../guard/namespace.ts'
import { waysOut } from '../guard/ways-out.ts'
import { samPort } from '../peers/i2pd.ts'
import { echoed } from './echoed.ts'
import { I2pOverlays } from './i2p-fixture.ts'

/** Longer than any of them waits for a name that is never resolved. */
const patience = 4000
const [host = '', stateDir = ''] = process.argv.slice(2)
const overlay = entryId('app:i2p')
const world = new I2pOverlays(stateDir)
const i2p = await world.add('i2p', { host: proxyAddress, port: samPort })
await i2p.check?.()
installGuard()
bindThreadNetwork({ overlay })
world.provide()

// Errors that a library throws outside of any caller.
process.on('uncaughtException', () => {}).on('unhandledRejection', () => {})

const { libraries } = await import('../guard/libraries.ts')
const silent = { port: 27_017, peers: [] }
const sinks = {
  line: 7001,
  smtp: 2525,
  websocket: 7002,
  grpc: 7003,
  mongo: silent,
  kafka: silent,
  [Symbol.asyncDispose]: async () => {},
}
const sshKey = ssh2.utils.generateKeyPairSync('ed25519').private
const library = libraries({ host, sshKey, [Symbol.asyncDispose]: async () => {} }, sinks)
const all = { ...Object.fromEntries(Object.entries(library).map(([name, { use }]) => [name, use])), ...waysOut }
const outcomes = await Promise.all(Object.entries(all).map(async ([name, use]) => [name, await outcome(use)] as const))
const echo = await echoed(await dial(i2p.route, { host, port: 80 }), Buffer.from('hello'))
const printed = { outcomes: Object.fromEntries(outcomes), echo: String(echo) }
process.stdout.write(JSON.stringify(printed), () => process.exit())

/** A word for the outcome of `use`. */
async function outcome(use: () => Promise<unknown>): Promise<string> {
  const { promise: late, resolve } = Promise.withResolvers<string>()
  setTimeout(resolve, patience, 'late')
  const ended = use().then(
    () => 'done',
    (error: unknown) => codeOf(error) ?? String(error),
  )
  return Promise.race([ended, late])
}

/** The code of an error, or of its cause. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  return 'code' in error && typeof error.code === 'string' ? error.code : codeOf(error.cause)
}
