/** Runs in a namespace, across the wire from an application: a router with a server. Prints its address. */
import { join } from 'node:path'
import { proxyAddress } from '../guard/namespace.ts'
import { samPort, startRouter } from '../peers/i2pd.ts'
import { I2pOverlays } from './i2p-fixture.ts'
import { serveVisits } from './visits.ts'

const [folder = ''] = process.argv.slice(2)
await startRouter(folder, proxyAddress)
const overlays = new I2pOverlays(join(folder, 'far'))
const far = await overlays.add('far', { host: proxyAddress, port: samPort })
const { host } = await serveVisits(far, 80)
process.stdout.write(`echo ${host}\n`)
