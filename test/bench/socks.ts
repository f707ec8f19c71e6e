/** `npm run bench:socks`: SOCKS5 against its rivals and the floor, all in one run, as ratios. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { goSocksProgram, startGoSocks } from '../peers/built.ts'
import { installPeers } from '../peers/install.ts'
import { address } from '../peers/loopback.ts'
import { startMicrosocks } from '../peers/microsocks.ts'
import { LineProgram } from './line-program.ts'
import { printTable } from './measure.ts'
import type { Place } from './socks-clients.ts'
import { connections } from './socks-connect.ts'
import { overSlowLink } from './socks-slow.ts'
import { atOnce, keptConnections, tunnel } from './socks-traffic.ts'

await using stack = new AsyncDisposableStack()
await installPeers()
const folder = await mkdtemp(join(tmpdir(), 'troupe-bench-'))
stack.defer(async () => rm(folder, { recursive: true }))
const target = stack.use(new LineProgram([process.execPath, join(import.meta.dirname, 'socks-target.ts')]))
const [http, stream] = (await target.line()).split(' ').map((port) => ({ host: '127.0.0.1', port: Number(port) }))
if (http === undefined || stream === undefined) throw new Error('the target must report two ports')
const microsocks = await startMicrosocks(folder, address(10))
stack.use(microsocks.daemon)
const go = await startGoSocks(folder, address(14))
stack.use(go.daemon)

const place = ({ host, port }: Place): Place => ({ host, port })

printTable('a new connection', [
  ...(await connections('microsocks', place(microsocks.peer), http, false)),
  ...(await connections('go-socks5, one write', place(go.peer), http, true)),
])
printTable('a new connection over a slow link', await overSlowLink({ folder, proxy: goSocksProgram }))
printTable('traffic', [
  ...(await keptConnections(place(microsocks.peer), http)),
  ...(await atOnce(place(microsocks.peer), http)),
  ...(await tunnel(place(microsocks.peer), stream)),
])
