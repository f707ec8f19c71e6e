/**
 * Runs in a namespace: a program that embeds an application whose default overlay leads to a proxy that does not exist.
 * It tries all ways out by itself (`own`) or through the application (`application`), in the default network or in the
 * clear one (`network: null`).
 */
import { entryId } from '@troupe/core'
import { funcs, http, processes } from 'troupe'
import { boot } from 'troupe/app'
import { get } from 'node:http'
import { connect } from 'node:http2'
import { proxyAddress, proxyPort } from '../guard/namespace.ts'
import { outcomesOf, waysOut } from '../guard/ways-out.ts'

const [network, who] = process.argv.slice(2)
const url = 'http://203.0.113.7/'
const program = { source: `file://${import.meta.dirname}/../fixtures/embedding/programs.ts`, method: 'leave' }

// Errors that are thrown outside of any caller.
process.on('uncaughtException', () => {}).on('unhandledRejection', () => {})

const own = {
  ...waysOut,
  'http.get': async () => http.get(url),
  'node:http': async () => new Promise((resolve, reject) => get(url, resolve).on('error', reject)),
  'node:http2': async () => new Promise((resolve, reject) => connect(url).on('connect', resolve).on('error', reject)),
}

const booting = boot({
  root: import.meta.dirname,
  onLog: () => {},
  set: ['network_service.default_network=app:tor'],
  ...(network === 'clear' && { network: null }),
  entries: [
    { id: 'app:tor', kind: 'network.socks5', host: proxyAddress, port: proxyPort },
    { id: 'app:threads', kind: 'process.host', lifecycle: { auto_start: true } },
    { id: 'app:pooled', kind: 'function.ts', ...program },
    { id: 'app:inline', kind: 'function.ts', ...program, pool: 'inline' },
    { id: 'app:process', kind: 'process.ts', ...program },
  ],
})
const outcomes: Record<string, unknown> = {}
if (who === 'own') {
  // The application is not ready yet.
  const early = outcomesOf(own)
  const app = await booting
  outcomes['before boot resolves'] = await early
  outcomes['outside app.run'] = await outcomesOf(own)
  outcomes['inside app.run'] = await app.run(async () => outcomesOf(own))
  await app.stop()
  outcomes['after stop'] = await outcomesOf(own)
} else {
  const app = await booting
  const ways: Readonly<Record<string, () => Promise<unknown>>> = {
    function: async () => funcs.call('app:pooled', url),
    'inline function': async () => funcs.call('app:inline', url),
    process: async () => processes.exec('app:process', 'app:threads', url),
    command: async () => app.exec(entryId('app:process'), [url]),
  }
  for (const [name, run] of Object.entries(ways)) {
    outcomes[name] = await run()
    outcomes[`${name}, inside app.run`] = await app.run(run)
  }
  await app.stop()
}
process.stdout.write(JSON.stringify(outcomes), () => process.exit())
