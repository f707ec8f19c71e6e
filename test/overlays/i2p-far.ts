/** Runs in a namespace, across the wire from an application: a router with an echo server. Prints its address. */
import { proxyAddress } from '../guard/namespace.ts'
import { startI2p } from '../peers/i2pd.ts'

const { peer } = await startI2p(process.argv[2] ?? '', proxyAddress)
process.stdout.write(`echo ${peer.echo}\n`)
