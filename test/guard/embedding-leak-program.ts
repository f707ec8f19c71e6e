/**
 * Runs in a namespace: a program that boots an application and tries all ways out, from the moment `boot` begins. Its argument is the
 * application's default network, if it is to have one; prints what each way ended with, by where it was tried.
 */
import { lookup } from 'node:dns'
import { connect } from 'node:net'
import { entryId } from '@troupe/core'
import { funcs, http, processes } from 'troupe'
import { boot } from 'troupe/app'
import { proxyAddress, proxyPort } from './namespace.ts'
import { outcomesOf, waysOut } from './ways-out.ts'

const [, , defaultNetwork] = process.argv
const source = `file://${import.meta.dirname}/leave.ts`

// Errors that a library throws where nobody waits for them.
process.on('uncaughtException', () => {}).on('unhandledRejection', () => {})

/** What the program holds since before there was an application. */
const held = {
  'connect, imported by name': async () =>
    new Promise((resolve, reject) => {
      connect(80, '203.0.113.7').on('connect', resolve).on('error', reject)
    }),
  'lookup, imported by name': async () =>
    new Promise((resolve, reject) => {
      lookup('leak.test', (error, address) => (error ? reject(error) : resolve(address)))
    }),
}
const ways = { ...waysOut, ...held }
const withClient = { ...ways, 'http.get': async () => http.get('http://leak.test/') }

const booting = boot({
  root: import.meta.dirname,
  onLog: () => {},
  set: defaultNetwork === undefined ? [] : [`network_service.default_network=${defaultNetwork}`],
  entries: [
    { id: entryId('app:proxy'), kind: 'network.socks5', fields: { host: proxyAddress, port: proxyPort } },
    { id: entryId('app:threads'), kind: 'process.host', fields: { lifecycle: { auto_start: true } } },
    { id: entryId('app:program'), kind: 'process.ts', fields: { source, method: 'leave' } },
    { id: entryId('app:function'), kind: 'function.ts', fields: { source, method: 'leave' } },
    { id: entryId('app:inline'), kind: 'function.ts', fields: { source, method: 'leave', pool: 'inline' } },
  ],
})
const whileBooting = outcomesOf(ways)
const app = await booting
const afterwards = outcomesOf(ways)
const outcomes = await app.run(async () => ({
  'while it boots': await whileBooting,
  afterwards: await afterwards,
  'in app.run': await outcomesOf(withClient),
  'in a process': await processes.exec('app:program', 'app:threads'),
  'in a function': await funcs.call('app:function'),
  'in an inline function': await funcs.call('app:inline'),
}))
process.stdout.write(JSON.stringify(outcomes), () => process.exit())
