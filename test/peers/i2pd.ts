/** A private I2P router: its own floodfill, no reseed, tunnels without hops, all on loopback. */
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { Daemon } from './daemon.ts'
import { programs } from './install.ts'
import type { I2pPeer } from './peers.ts'
import { address32, SamLines } from './sam-lines.ts'
import { listens } from './socks-probe.ts'

export const samPort = 7656
const routerPort = 12_000

/** I2CP options that a network of one router needs for any traffic: of lease sets, only the first kind works there. */
export const zeroHops: Readonly<Record<string, number>> = {
  'inbound.length': 0,
  'outbound.length': 0,
  'inbound.quantity': 1,
  'outbound.quantity': 1,
  'i2cp.leaseSetType': 1,
}

/**
 * Starts a router whose SAM bridge is at `host`, with the state that a former one left in `folder`.
 *
 * @param isSingleThread - As in i2pd's own default.
 */
export async function startRouter(folder: string, host: string, isSingleThread = false): Promise<Daemon> {
  const args = await routerConfig({
    folder,
    address: host,
    sam: { host, port: samPort, isSingleThread },
    floodfill: true,
    exploratory: 0,
  })
  // It takes long to end on a gentler signal.
  const daemon = new Daemon({
    name: 'i2pd',
    program: programs.i2pd.path,
    args,
    log: join(folder, 'output.log'),
    deathSignal: 'KILL',
  })
  await daemon.until(async () => listens(host, samPort))
  return daemon
}

export interface RouterPlan {
  /** Its own. */
  readonly folder: string
  readonly address: string
  readonly sam: { readonly host: string; readonly port: number; readonly isSingleThread?: boolean } | undefined
  /** Whether others ask it where a destination is. */
  readonly floodfill: boolean
  /** Hops of the tunnels that it asks through. */
  readonly exploratory: number
}

/** Writes a router's files into its folder; returns its arguments. */
export async function routerConfig(plan: RouterPlan): Promise<readonly string[]> {
  const { folder } = plan
  await mkdir(join(folder, 'certs'), { recursive: true, mode: 0o700 })
  await writeFile(join(folder, 'tunnels.conf'), '')
  const file = join(folder, 'i2pd.conf')
  await writeFile(file, textOf(plan))
  return [`--datadir=${folder}`, `--conf=${file}`]
}

/**
 * A router with an echo server and one that sends `bye`. Each session takes 20 s in any case, so they are created
 * concurrently.
 */
export async function startI2p(
  folder: string,
  host: string,
  isSingleThread = false,
): Promise<AsyncDisposable & { readonly peer: I2pPeer }> {
  await using stack = new AsyncDisposableStack()
  stack.use(await startRouter(folder, host, isSingleThread))
  const [echo, bye] = await Promise.all([
    serve(stack, host, 'echo', (socket) => socket.pipe(socket)),
    serve(stack, host, 'bye', (socket) => socket.end('bye')),
  ])
  const peer = { sam: { host, port: samPort }, echo: address32(echo), echoDestination: echo, bye: address32(bye) }
  const started = stack.move()
  return { peer, [Symbol.asyncDispose]: async () => started.disposeAsync() }
}

/** A server that the router forwards streams to; returns its destination. */
async function serve(
  stack: AsyncDisposableStack,
  host: string,
  name: string,
  onConnection: (socket: Socket) => unknown,
): Promise<string> {
  const forward = stack.use(await SamLines.open(host, samPort))
  // i2pd forwards to the address that the request came from, whatever address the request contains.
  const local = forward.socket.localAddress ?? ''
  const server: Server = createServer((socket) =>
    withoutHeader(
      socket.on('error', () => socket.destroy()),
      onConnection,
    ),
  )
  await once(server.listen(0, local), 'listening')
  stack.defer(() => void server.close())
  const bound = server.address()
  const port = typeof bound === 'object' && bound ? bound.port : 0
  const session = stack.use(await SamLines.open(host, samPort))
  const options = Object.entries(zeroHops).map(([option, value]) => `${option}=${value}`)
  const created = await session.ask(
    `SESSION CREATE STYLE=STREAM ID=${name} DESTINATION=TRANSIENT SIGNATURE_TYPE=7 ${options.join(' ')}`,
  )
  if (!created.includes('RESULT=OK')) throw new Error(`i2pd makes no session: ${created}`)
  const me = await session.ask('NAMING LOOKUP NAME=ME')
  const forwarded = await forward.ask(`STREAM FORWARD ID=${name} PORT=${port} HOST=${local} SILENT=false`)
  if (!forwarded.includes('RESULT=OK')) throw new Error(`i2pd forwards nothing: ${forwarded}`)
  return /VALUE=(\S+)/.exec(me)?.[1] ?? ''
}

/** The router writes the visitor's destination, and the end of a line, before the stream. */
function withoutHeader(socket: Socket, onConnection: (socket: Socket) => unknown): void {
  const onReadable = () => {
    for (let byte: unknown = socket.read(1); Buffer.isBuffer(byte); byte = socket.read(1)) {
      if (byte[0] !== 10) continue
      socket.off('readable', onReadable)
      onConnection(socket)
      return
    }
  }
  socket.on('readable', onReadable)
}

function textOf({ folder, address, sam, floodfill, exploratory }: RouterPlan): string {
  return `tunconf = ${folder}/tunnels.conf
tunnelsdir = ${folder}/tunnels.d
certsdir = ${folder}/certs
pidfile = ${folder}/i2pd.pid
log = file
logfile = ${folder}/i2pd.log
loglevel = warn
netid = 77
host = ${address}
address4 = ${address}
port = ${routerPort}
nat = false
ipv4 = true
ipv6 = false
reservedrange = false
floodfill = ${floodfill}
bandwidth = X
[ntcp2]
enabled = true
published = true
port = ${routerPort}
[ssu2]
enabled = false
[reseed]
urls =
yggurls =
threshold = 0
verify = false
[http]
enabled = false
[httpproxy]
enabled = false
[socksproxy]
enabled = false
[i2cp]
enabled = false
[bob]
enabled = false
[i2pcontrol]
enabled = false
[upnp]
enabled = false
[nettime]
enabled = false
frompeers = false
[addressbook]
enabled = true
defaulturl = http://none.i2p/hosts.txt
subscriptions = http://none.i2p/hosts.txt
[persist]
profiles = false
addressbook = true
[exploratory]
inbound.length = ${exploratory}
outbound.length = ${exploratory}
[sam]
singlethread = ${sam?.isSingleThread ?? false}
enabled = ${sam !== undefined}
address = ${sam?.host ?? address}
port = ${sam?.port ?? samPort}
`
}
