/** Runs in a namespace, beside the wire to an application: a router with an echo server. Prints where that is. */
import { proxyAddress } from '../guard/namespace.ts'
import { startI2p } from '../peers/i2pd.ts'

const { peer } = await startI2p(process.argv[2] ?? '', proxyAddress)
process.stdout.write(`echo ${peer.echo}\n`)
