/**
 * Peers as Debian's packages configure them: their own configuration files, changed only in paths, addresses and what a
 * private network needs.
 */
import { readFile, writeFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Daemon } from './daemon.ts'
import { underShell } from './dante.ts'
import { programs } from './install.ts'
import { probe } from './socks-probe.ts'

export interface Place {
  readonly host: string
  readonly port: number
}

/** dante: its packaged file has no addresses and no rules, as the file itself states. */
const danteFile = '/etc/danted.conf'
const torFile = '/usr/share/tor/tor-service-defaults-torrc'
const danteRules = `clientmethod: none
socksmethod: none
client pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }
socks pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }
socks pass { from: 0.0.0.0/0 to: ::/0 }
`

export async function startDebianDante(folder: string, host: string): Promise<AsyncDisposable & Place> {
  const port = 1080
  const config = join(folder, 'debian-dante.conf')
  await writeFile(
    config,
    `${await readFile(danteFile, 'utf8')}\ninternal: ${host} port = ${port}\n` +
      `external: lo\nexternal.rotation: route\n${danteRules}`,
  )
  const args = ['-c', underShell, programs.danted.path, '-f', config, '-p', join(folder, 'debian-dante.pid')]
  const daemon = new Daemon({
    name: 'dante as Debian has it',
    program: '/bin/sh',
    args,
    log: join(folder, 'debian-dante.log'),
  })
  await daemon.printed(/ running/)
  return { host, port, [Symbol.asyncDispose]: async () => daemon[Symbol.asyncDispose]() }
}

/**
 * A client of Tor, in the private network of the tests.
 *
 * @param directory - The line that names the network's authority.
 * @param reached - What it can reach when it works.
 */
export async function startDebianTor(
  folder: string,
  host: string,
  directory: string,
  reached: Place,
): Promise<AsyncDisposable & Place> {
  const port = 9050
  const data = join(folder, 'debian-tor')
  await mkdir(data, { recursive: true, mode: 0o700 })
  const config = join(data, 'torrc')
  await writeFile(config, torPlaces(data, host, port) + directory)
  const args = ['--defaults-torrc', torFile, '-f', config]
  const daemon = new Daemon({
    name: 'Tor as Debian has it',
    program: programs.tor.path,
    args,
    log: join(folder, 'debian-tor.log'),
  })
  try {
    await daemon.printed(/Bootstrapped 100%/)
    await daemon.until(async () => probe({ proxy: { host, port }, ...reached }))
  } catch (error) {
    await daemon[Symbol.asyncDispose]()
    throw error
  }
  return { host, port, [Symbol.asyncDispose]: async () => daemon[Symbol.asyncDispose]() }
}

/** Its private network is on loopback; by default, Tor connects to no loopback address. */
function torPlaces(data: string, host: string, port: number): string {
  return `DataDirectory ${data}
PidFile ${data}/pid
ControlSocket 0
CookieAuthFile ${data}/cookie
SocksPort ${host}:${port}
OutboundBindAddress ${host}
RunAsDaemon 0
User root
Log notice stdout
TestingTorNetwork 1
ClientRejectInternalAddresses 0
ClientDNSRejectInternalAddresses 0
__OwningControllerProcess ${process.pid}
`
}
