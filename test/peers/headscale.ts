/** A real Headscale, with its own relay and a certificate of a private authority, all on loopback. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { findGo } from '@troupe/tsnet/build'
import { cache } from './built.ts'
import { Daemon } from './daemon.ts'
import { ensureGo } from './go.ts'
import { certificateTools, installPeers } from './install.ts'
import { address } from './loopback.ts'
import { listens } from './socks-probe.ts'
import type { KeyOptions } from './tailnet.ts'

const run = promisify(execFile)
const program = join(cache, 'headscale')
const port = 8443
const domain = 'head.test'

/** Builds it, unless it exists. The first time this takes minutes. */
export async function buildHeadscale(): Promise<void> {
  await ensureGo()
  await mkdir(cache, { recursive: true })
  const { program: go, environment } = await findGo()
  // Not optimized: that takes half the time.
  const args = ['build', '-trimpath', '-gcflags', 'all=-N -l', '-ldflags', '-s -w', '-o', program, '.']
  await run(go, args, {
    cwd: join(import.meta.dirname, 'headscale'),
    env: { ...process.env, ...environment, CGO_ENABLED: '0' },
  })
}

export interface HeadscaleNode {
  readonly id: number
  readonly name: string
  readonly online: boolean
  readonly user: string
}

type Row = Readonly<Record<string, unknown>>

let started = 0

export class Headscale implements AsyncDisposable {
  readonly url: string
  readonly domain = domain
  /** The private authority that signed its certificate: PEM, and a file with it. */
  readonly ca: string
  readonly caFile: string
  readonly #folder: string
  readonly #config: string
  readonly #users = new Map<string, Promise<number>>()
  #daemon: Daemon

  private constructor(at: {
    readonly folder: string
    readonly host: string
    readonly ca: string
    readonly daemon: Daemon
  }) {
    this.url = `https://${at.host}:${port}`
    this.ca = at.ca
    this.caFile = join(at.folder, 'ca.pem')
    this.#folder = at.folder
    this.#config = join(at.folder, 'config.yaml')
    this.#daemon = at.daemon
  }

  static async start(): Promise<Headscale> {
    started += 1
    const host = address(100 + started)
    const folder = await mkdtemp(join(tmpdir(), 'troupe-headscale-'))
    await certify(folder, host)
    const config = join(folder, 'config.yaml')
    await writeFile(config, textOf(folder, host))
    const daemon = await serve(config, folder, host)
    return new Headscale({ folder, host, ca: await readFile(join(folder, 'ca.pem'), 'utf8'), daemon })
  }

  /** Ends it, or starts it again with its old state. */
  async set(on: boolean): Promise<void> {
    await this.#daemon[Symbol.asyncDispose]()
    if (on) this.#daemon = await serve(this.#config, this.#folder, new URL(this.url).hostname)
  }

  async key({
    user = 'tester',
    reusable = true,
    ephemeral = false,
    expired = false,
    tags = [],
  }: KeyOptions = {}): Promise<string> {
    const id = await this.#user(user)
    const flags = [
      `--user=${id}`,
      `--reusable=${reusable}`,
      `--ephemeral=${ephemeral}`,
      ...tags.map((tag) => `--tags=${tag}`),
    ]
    const made = await this.#tell('preauthkeys', 'create', ...flags)
    const key = textIn(made, 'key')
    if (expired) await this.#tell('preauthkeys', 'expire', `--user=${id}`, key)
    return key
  }

  async expireKey(key: string, user = 'tester'): Promise<void> {
    await this.#tell('preauthkeys', 'expire', `--user=${await this.#user(user)}`, key)
  }

  async nodes(): Promise<readonly HeadscaleNode[]> {
    const rows = await this.#tell('nodes', 'list')
    return (Array.isArray(rows) ? rows : []).map((row: Row) => ({
      id: Number(row['id']),
      name: textIn(row, 'given_name'),
      online: row['online'] === true,
      user: textIn(row['user'], 'name'),
    }))
  }

  async expire(name: string): Promise<void> {
    await this.#tell('nodes', 'expire', `--identifier=${await this.#idOf(name)}`)
  }

  /** Postpones the expiry of a node's key, as an administrator does for an expired one. */
  async renew(name: string): Promise<void> {
    const expiry = new Date(Date.now() + 3_600_000).toISOString()
    await this.#tell('nodes', 'expire', `--identifier=${await this.#idOf(name)}`, `--expiry=${expiry}`)
  }

  async remove(name: string): Promise<void> {
    await this.#tell('nodes', 'delete', `--identifier=${await this.#idOf(name)}`, '--force')
  }

  async rename(name: string, to: string): Promise<void> {
    await this.#tell('nodes', 'rename', `--identifier=${await this.#idOf(name)}`, to)
  }

  /** Admits the node that waits at a login page. */
  async login(url: string, user = 'tester'): Promise<void> {
    await this.#user(user)
    await this.#tell('nodes', 'register', `--user=${user}`, `--key=${url.slice(url.lastIndexOf('/') + 1)}`)
  }

  /** Its access rules (HuJSON). */
  async policy(rules: object): Promise<void> {
    const file = join(this.#folder, 'policy.json')
    await writeFile(file, JSON.stringify(rules))
    await run(program, ['--config', this.#config, 'policy', 'set', `--file=${file}`])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#daemon[Symbol.asyncDispose]()
    await rm(this.#folder, { recursive: true, force: true })
  }

  async #user(name: string): Promise<number> {
    const made = this.#users.get(name) ?? this.#tell('users', 'create', name).then((row) => Number(fieldIn(row, 'id')))
    this.#users.set(name, made)
    return made
  }

  async #idOf(name: string): Promise<number> {
    const found = (await this.nodes()).find((node) => node.name === name)
    if (found === undefined) throw new Error(`Headscale knows no node "${name}"`)
    return found.id
  }

  async #tell(...args: readonly string[]): Promise<unknown> {
    const { stdout } = await run(program, ['--config', this.#config, '--output', 'json', ...args])
    const answer: unknown = stdout.trim() === '' ? undefined : JSON.parse(stdout)
    return answer
  }
}

async function serve(config: string, folder: string, host: string): Promise<Daemon> {
  const daemon = new Daemon({
    name: 'headscale',
    program,
    args: ['--config', config, 'serve'],
    log: join(folder, 'output.log'),
  })
  await daemon.until(async () => listens(host, port))
  await daemon.until(async () => run(program, ['--config', config, 'users', 'list', '--output', 'json']))
  return daemon
}

/** A certificate for the address, by an unknown authority. */
async function certify(folder: string, host: string): Promise<void> {
  await installPeers(certificateTools)
  const at = (name: string) => join(folder, name)
  const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  await run(certificateTools.openssl.path, [
    'req',
    '-x509',
    ...made,
    '-days',
    '2',
    '-subj',
    '/CN=private',
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.pem'),
  ])
  await run(certificateTools.openssl.path, [
    'req',
    ...made,
    '-subj',
    '/CN=headscale',
    '-keyout',
    at('server.key'),
    '-out',
    at('server.csr'),
  ])
  await writeFile(at('server.ext'), `subjectAltName=IP:${host}\n`)
  const sign = [
    'x509',
    '-req',
    '-days',
    '2',
    '-in',
    at('server.csr'),
    '-CA',
    at('ca.pem'),
    '-CAkey',
    at('ca.key'),
    '-CAcreateserial',
  ]
  await run(certificateTools.openssl.path, [...sign, '-extfile', at('server.ext'), '-out', at('server.pem')])
}

function fieldIn(row: unknown, name: string): unknown {
  return typeof row === 'object' && row !== null ? Reflect.get(row, name) : undefined
}

function textIn(row: unknown, name: string): string {
  const value = fieldIn(row, name)
  return typeof value === 'string' ? value : ''
}

/** Its own example configuration, except for paths, addresses, and the time for which it batches changes. */
function textOf(folder: string, host: string): string {
  return `server_url: https://${host}:${port}
listen_addr: ${host}:${port}
metrics_listen_addr: ""
grpc_listen_addr: ${host}:50443
noise:
  private_key_path: ${folder}/noise.key
prefixes:
  v4: 100.64.0.0/10
  v6: fd7a:115c:a1e0::/48
  allocation: sequential
derp:
  server:
    enabled: true
    region_id: 999
    region_code: headscale
    region_name: Headscale Embedded DERP
    verify_clients: true
    stun_listen_addr: ${host}:3478
    private_key_path: ${folder}/derp.key
    automatically_add_embedded_derp_region: true
    ipv4: ${host}
  urls: []
  paths: []
  auto_update_enabled: false
disable_check_updates: true
ephemeral_node_inactivity_timeout: 30m
database:
  type: sqlite
  sqlite:
    path: ${folder}/db.sqlite
    write_ahead_log: true
tls_cert_path: ${folder}/server.pem
tls_key_path: ${folder}/server.key
log:
  level: info
policy:
  mode: database
dns:
  magic_dns: true
  base_domain: ${domain}
  override_local_dns: false
  nameservers:
    global: []
unix_socket: ${folder}/s
unix_socket_permission: "0700"
logtail:
  enabled: false
randomize_client_port: false
tuning:
  node_store_batch_timeout: 5ms
  batch_change_delay: 10ms
`
}
