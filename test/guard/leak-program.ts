/**
 * Runs in a namespace: all libraries, and all ways out, in a thread of an overlay. The argument is `guarded` or
 * `unguarded`; prints the outcome of each.
 */
import { entryId } from '@troupe/core'
import { bindThreadNetwork, installGuard, provideNetworkAccess } from '@troupe/network'
import ssh2 from 'ssh2'
import { socks5Route } from '../overlays/socks5-fixture.ts'
import { proxyAddress, proxyPort } from './namespace.ts'
import { outcomesOf, waysOut } from './ways-out.ts'

const overlay = entryId('app:proxy')
const route = await socks5Route('proxy', { host: proxyAddress, port: proxyPort })
if (process.argv[2] === 'guarded') installGuard()
bindThreadNetwork({ overlay })
provideNetworkAccess({ select: async () => {}, route: async () => Promise.resolve(route) })

// Errors that a library throws outside of any caller.
process.on('uncaughtException', () => {}).on('unhandledRejection', () => {})

const { libraries } = await import('./libraries.ts')
const silent = { port: 27_017, peers: [] }
const sinks = {
  line: 7001,
  smtp: 2525,
  websocket: 7002,
  grpc: 7003,
  mongo: silent,
  kafka: { ...silent, port: 9092 },
  [Symbol.asyncDispose]: async () => {},
}
const sshKey = ssh2.utils.generateKeyPairSync('ed25519').private
const library = libraries({ host: 'web.test', sshKey, [Symbol.asyncDispose]: async () => {} }, sinks)
const all = { ...Object.fromEntries(Object.entries(library).map(([name, { use }]) => [name, use])), ...waysOut }
const outcomes = await outcomesOf(all)
process.stdout.write(JSON.stringify(outcomes), () => process.exit())
