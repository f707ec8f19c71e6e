/**
 * A network of two machines for one test, joined only by one wire: one for an application, one with the proxy. Packets
 * from the application to the proxy's port pass. Everything else is counted by kind, and dropped, on the far side,
 * where the application has no access.
 */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { Daemon } from '../peers/daemon.ts'
import { installPeers, namespaces, programs } from '../peers/install.ts'

const run = promisify(execFile)
const { ip, nft } = namespaces

export const proxyAddress = '10.231.0.1'
export const proxyPort = 1080
/** Another address of the far side, for peers that move. */
export const movedAddress = '10.231.1.1'
const applicationAddress = '10.231.0.2'

/** Packets by kind. */
export interface Counters {
  readonly proxy: number
  readonly dns: number
  readonly tcp: number
  readonly udp: number
  readonly other: number
}

const betweenSides = `ip saddr ${applicationAddress} ip daddr { ${proxyAddress}, ${movedAddress} }`

/** Nft rules decide what passes: by default packets to the proxy's port. */
const rules = (passes: readonly string[]) => `table inet leak {
  counter to_proxy { }
  counter to_dns { }
  counter to_tcp { }
  counter to_udp { }
  counter to_other { }
  chain arriving {
    type filter hook prerouting priority -300; policy accept;
    iifname != "wire" accept
${passes.map((rule) => `    ${betweenSides} ${rule} counter name to_proxy accept`).join('\n')}
    meta l4proto { tcp, udp } th dport { 53, 853, 5353 } counter name to_dns drop
    meta l4proto tcp counter name to_tcp drop
    meta l4proto udp counter name to_udp drop
    counter name to_other drop
  }
}
`

export interface NamespaceOptions {
  /** Host names that only the far side resolves: all are its own machine. */
  readonly names?: readonly string[]
  /** Lines of the application's `/etc/hosts`. */
  readonly hosts?: readonly string[]
  /** What may pass to the far side, as nft rules; `to_proxy` counts it. @default packets to a SOCKS5 proxy there */
  readonly passes?: string | readonly string[]
}

export class Namespace implements AsyncDisposable {
  readonly #application = `troupe-app-${process.pid}`
  readonly #proxy = `troupe-proxy-${process.pid}`
  readonly #stack = new AsyncDisposableStack()

  private constructor() {}

  static async start(folder: string, options: NamespaceOptions): Promise<Namespace> {
    await installPeers({ ...programs, ...namespaces })
    const namespace = new Namespace()
    await using failed = new AsyncDisposableStack()
    failed.use(namespace)
    await namespace.#build(folder, options)
    failed.move()
    return namespace
  }

  async counters(): Promise<Counters> {
    const { stdout } = await run(ip.path, [
      'netns',
      'exec',
      this.#proxy,
      nft.path,
      '-j',
      'list',
      'counters',
      'table',
      'inet',
      'leak',
    ])
    const packets = (name: string) => Number(new RegExp(`"name": "to_${name}".*?"packets": (\\d+)`).exec(stdout)?.[1])
    return {
      proxy: packets('proxy'),
      dns: packets('dns'),
      tcp: packets('tcp'),
      udp: packets('udp'),
      other: packets('other'),
    }
  }

  /** The command that runs a program on the far side. */
  get far(): readonly string[] {
    return [ip.path, 'netns', 'exec', this.#proxy]
  }

  /** The command that runs a program on the application's side. */
  get near(): readonly string[] {
    return [ip.path, 'netns', 'exec', this.#application]
  }

  /** Makes the name resolve to the address on both sides, instead of what the files of names had. */
  async rename(host: string, address: string): Promise<void> {
    for (const name of [this.#application, this.#proxy])
      await writeFile(join('/etc/netns', name, 'hosts'), `127.0.0.1 localhost\n${address} ${host}\n`)
  }

  /** Runs a Node program on the application's side; returns its output. */
  async run(...args: readonly string[]): Promise<string> {
    const child = spawn(ip.path, ['netns', 'exec', this.#application, process.execPath, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: 180_000,
      killSignal: 'SIGKILL',
    })
    const [printed] = await Promise.all([text(child.stdout), once(child, 'exit')])
    return printed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
  }

  async #build(folder: string, { names = [], hosts = [], passes }: NamespaceOptions): Promise<void> {
    for (const name of [this.#application, this.#proxy]) {
      await run(ip.path, ['netns', 'add', name])
      this.#stack.defer(async () => void (await run(ip.path, ['netns', 'del', name])))
    }
    const inside = async (name: string, ...args: readonly string[]) => run(ip.path, ['-n', name, ...args])
    await inside(this.#application, 'link', 'add', 'wire', 'type', 'veth', 'peer', 'name', 'wire', 'netns', this.#proxy)
    for (const [name, address] of [
      [this.#application, applicationAddress],
      [this.#proxy, proxyAddress],
    ] as const) {
      // IPv6 neighbour discovery is not a leak.
      await run(ip.path, ['netns', 'exec', name, 'sysctl', '-qw', 'net.ipv6.conf.all.disable_ipv6=1'])
      await inside(name, 'address', 'add', `${address}/30`, 'dev', 'wire')
      for (const link of ['lo', 'wire']) await inside(name, 'link', 'set', link, 'up')
    }
    await inside(this.#proxy, 'address', 'add', `${movedAddress}/32`, 'dev', 'lo')
    await inside(this.#application, 'route', 'add', 'default', 'via', proxyAddress)
    // For the application, a resolver that would record queries; for the far side, names without a resolver.
    const known = ['127.0.0.1 localhost', ...hosts].map((line) => `${line}\n`).join('')
    await this.#etc(this.#application, {
      'resolv.conf': `nameserver ${proxyAddress}\noptions timeout:1 attempts:1\n`,
      hosts: known,
    })
    const far = ['localhost', ...names].map((name) => `127.0.0.1 ${name}\n`).join('')
    await this.#etc(this.#proxy, { 'resolv.conf': 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n', hosts: far })
    const file = join(folder, 'leak.nft')
    await writeFile(file, rules([passes ?? `tcp dport ${proxyPort}`].flat()))
    await run(ip.path, ['netns', 'exec', this.#proxy, nft.path, '-f', file])
    if (passes === undefined) await this.#startProxy(folder)
  }

  /** Files that `ip netns exec` mounts over those in /etc. */
  async #etc(name: string, files: Readonly<Record<string, string>>): Promise<void> {
    const folder = join('/etc/netns', name)
    await mkdir(folder, { recursive: true })
    this.#stack.defer(async () => rm(folder, { recursive: true }))
    for (const [file, content] of Object.entries(files)) await writeFile(join(folder, file), content)
  }

  async #startProxy(folder: string): Promise<void> {
    const args = ['netns', 'exec', this.#proxy, programs.microsocks.path, '-i', proxyAddress, '-p', String(proxyPort)]
    const daemon = this.#stack.use(
      new Daemon({ name: 'proxy', program: ip.path, args, log: join(folder, 'proxy.log') }),
    )
    const probe =
      `require('node:net').connect(${proxyPort}, '${proxyAddress}').on('connect', ` +
      `() => process.exit(0)).on('error', () => process.exit(1))`
    await daemon.until(async () => run(ip.path, ['netns', 'exec', this.#proxy, process.execPath, '-e', probe]))
  }
}
