/** A private Tor network: onion services need at least one authority and three relays. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Daemon } from './daemon.ts'
import { programs } from './install.ts'
import type { TorPeer } from './peers.ts'
import { probe } from './socks-probe.ts'
import {
  authorityConfig,
  authorityHost,
  clientConfig,
  clientHost,
  ports,
  relayConfig,
  relayHosts,
  socksPath,
  type TorNetwork,
} from './tor-config.ts'

const run = promisify(execFile)
/** Seconds until the first vote: long enough for every relay to have published its descriptor. */
const firstVote = 6
const votingInterval = 5

export interface TorOptions extends TorNetwork {
  /** A port on this machine that exits can reach, to check whether circuits work. */
  readonly probePort: number
}

/** Starts the network and returns when streams and the onion service work: about 15 s. */
export async function startTor(network: TorOptions): Promise<{ daemons: readonly Daemon[]; peer: TorPeer }> {
  const { folder, address } = network
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await writeFile(join(folder, 'resolv.conf'), `nameserver ${network.dns}\n`)
  const directory = await makeAuthority(network)
  const relays = relayHosts.map((host, index) => ({ name: `relay${index + 1}`, host }))
  for (const { name, host } of relays) await configure(folder, name, relayConfig(network, name, host) + directory)
  await configure(folder, 'client', clientConfig(network, 'client') + directory)

  const servers = ['authority', ...relays.map(({ name }) => name)].map((name) => launch(folder, name))
  const daemons = [...servers]
  try {
    const [authority] = servers
    await authority?.until(async () => everyoneRuns(address(authorityHost), servers.length))
    const client = launch(folder, 'client')
    daemons.push(client)
    await client.printed(/Bootstrapped 100%/)
    const socks = { host: address(clientHost), port: ports.socks }
    const onion = (await readFile(join(folder, 'client/onion/hostname'), 'utf8')).trim()
    // A bootstrapped client may still have no working circuit.
    await client.until(async () => probe({ proxy: socks, host: 'web.test', port: network.probePort }))
    await client.until(async () => probe({ proxy: socks, host: onion, port: 80 }))
    const cookie = (await readFile(join(folder, 'client/cookie'))).toString('hex')
    const at = (port: number) => ({ host: address(clientHost), port })
    const peer = {
      socks,
      extended: at(ports.extended),
      unix: socksPath(network, 'client'),
      control: at(ports.control),
      cookie,
      directory,
      onion,
    }
    return { daemons, peer }
  } catch (error) {
    await Promise.allSettled(daemons.map(async (daemon) => daemon[Symbol.asyncDispose]()))
    throw error
  }
}

/** Keys and configuration of the authority; returns the line that identifies it to others. */
async function makeAuthority(network: TorNetwork): Promise<string> {
  const { folder, address } = network
  const keys = join(folder, 'authority/keys')
  const directoryPort = `${address(authorityHost)}:${ports.directory}`
  await mkdir(keys, { recursive: true, mode: 0o700 })
  const gencert = spawn(
    programs.torGencert.path,
    ['--create-identity-key', '--passphrase-fd', '0', '-m', '12', '-a', directoryPort],
    {
      cwd: keys,
      stdio: ['pipe', 'ignore', 'ignore'],
    },
  )
  gencert.stdin.end('passphrase\n')
  await once(gencert, 'exit')
  const certificate = await readFile(join(keys, 'authority_certificate'), 'utf8')
  const identity = /^fingerprint (\w+)$/m.exec(certificate)?.[1] ?? ''

  const offset = (Math.floor(Date.now() / 1000) + firstVote) % votingInterval
  const config = await configure(folder, 'authority', authorityConfig(network, 'authority', offset))
  const absent = `x orport=1 v3ident=${identity} 127.0.0.1:1 ${'f'.repeat(40)}`
  const { stdout } = await run(programs.tor.path, [
    ...bare,
    '-f',
    config,
    '--quiet',
    '--list-fingerprint',
    '--DirAuthority',
    absent,
  ])
  const fingerprint = stdout.trim().split('\n').at(-1)?.replace('authority', '').replaceAll(' ', '') ?? ''
  const line = `DirAuthority authority orport=${ports.or} no-v2 v3ident=${identity} ${directoryPort} ${fingerprint}\n`
  await writeFile(config, line, { flag: 'a' })
  return line
}

/** Uses nothing of the machine's own configuration. */
const bare = ['--defaults-torrc', '/nonexistent', '--ignore-missing-torrc']

async function configure(folder: string, name: string, text: string): Promise<string> {
  await mkdir(join(folder, name), { recursive: true, mode: 0o700 })
  const file = join(folder, name, 'torrc')
  await writeFile(file, text)
  return file
}

function launch(folder: string, name: string): Daemon {
  const args = [...bare, '-f', join(folder, name, 'torrc')]
  return new Daemon({ name: `tor ${name}`, program: programs.tor.path, args, log: join(folder, `${name}.log`) })
}

/**
 * Whether the consensus lists `count` running relays that are exits. A client that starts earlier backs off for a long
 * time.
 */
async function everyoneRuns(authority: string, count: number): Promise<void> {
  const response = await fetch(`http://${authority}:${ports.directory}/tor/status-vote/current/consensus-microdesc`)
  const listed = (await response.text()).match(/^s .*Exit.*Running/gm)?.length ?? 0
  if (listed !== count) throw new Error(`the consensus lists ${listed} of ${count} relays`)
}
