/** Kernel side of `network.tailscale`: each entry is its own node in a tailnet, held by the sidecar. */
import { type EntryId, invalid, nameOf } from '@troupe/core'
import type { FieldsOf } from '@troupe/registry'
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Binding, BindOptions, Capabilities, Overlay } from '../../overlay/overlay.ts'
import { type Entries, type OverlayKind, overlayKind, type Site } from '../../overlay/overlay-kind.ts'
import { OverlayState } from '../../overlay/overlay-state.ts'
import { Prober } from '../prober.ts'
import { pemOpening, tailscaleKind } from './config.ts'
import { keepAddress, keptAddress } from './address-file.ts'
import { TailnetNode } from './node.ts'
import { tailscale } from './route.ts'
import type { Sidecar, Sidecars } from './sidecar.ts'
import { statusOf } from './status.ts'

const capabilities: Capabilities = Object.freeze({ listen: true, tls: true, udp: true })

type Fields = FieldsOf<typeof tailscaleKind>

/** @param sidecars - The sidecars of this program. */
export function tailscaleOverlay(sidecars: Sidecars): OverlayKind {
  return {
    ...overlayKind(
      tailscaleKind,
      async (id, fields, site): Promise<Overlay> => open(id, fields, site, sidecars.of(authoritiesOf(id, fields))),
    ),
    keptAddress,
    held: (entries, id, site) => ({ path: 'state_dir', state: stateOf(id, entries.decode(id, tailscaleKind).fields, site) }),
    exclusive: (entries: Entries, id: EntryId, site) => stateOf(id, entries.decode(id, tailscaleKind).fields, site),
  }
}

async function open(id: EntryId, fields: Fields, site: Site, sidecar: Sidecar): Promise<Overlay> {
  const { generation, log } = site
  const { controlUrl, ephemeral, tags, exitNode } = fields
  const stateDir = stateOf(id, fields, site)
  const state = new OverlayState(id, log)
  const watched: { prober?: Prober } = {}
  const node = new TailnetNode({
    overlay: id,
    hostname: hostnameOf(id, fields),
    stateDir,
    authKey: keyOf(id, fields, site),
    controlUrl,
    ephemeral,
    tags,
    exitNode,
    sidecar,
    log,
    onChange: () => watched.prober?.doubt(),
    // The stored address is a convenience: the node runs without it.
    onJoined: async (joined) => keepAddress(id, site.stateDir, joined).catch(() => undefined),
  })
  try {
    await node.settled()
  } catch (error) {
    await node[Symbol.asyncDispose]()
    throw error
  }
  const prober = new Prober({ state, look: async () => statusOf(node) })
  watched.prober = prober
  const route = Object.freeze({ overlay: id, generation, driver: tailscale, config: Object.freeze(node.route) })
  return {
    id,
    kind: tailscaleKind.kind,
    capabilities,
    exclusive: stateDir,
    // An ephemeral node is a new node each time.
    identity: JSON.stringify([controlUrl, stateDir, ephemeral ? generation : 0]),
    route,
    async check() {
      node.present()
    },
    async status() {
      const status = await statusOf(node)
      state.become(status)
      return { ...status, ...state.view }
    },
    doubt: () => prober.doubt(),
    bind: async (options: BindOptions): Promise<Binding> => {
      const place = await node.bind(options)
      return {
        listenGrant: Object.freeze({
          ...route,
          config: Object.freeze(place.listenGrant),
          address: { host: node.present().dns_name, port: place.port },
        }),
        [Symbol.asyncDispose]: async () => node.giveUp(place),
      }
    },
    async discard() {
      await Promise.all([prober[Symbol.asyncDispose](), node.discard()])
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([prober[Symbol.asyncDispose](), node[Symbol.asyncDispose]()])
    },
  }
}

/** Returns the entry's name, reduced to the characters that DNS allows. */
function hostnameOf(id: EntryId, { hostname }: Fields): string {
  if (hostname !== undefined) return hostname
  const name = nameOf(id)
    .toLowerCase()
    .replaceAll(/[^a-z\d-]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 63)
  if (name !== '') return name
  throw invalid(`hostname: the name of ${id} can be none of a node: give it a hostname`, { overlay: id, path: 'hostname' })
}

/** Returns the folder of the node's keys, which only one node may use. */
function stateOf(id: EntryId, fields: Fields, { stateDir }: Pick<Site, 'stateDir'>): string {
  return fields.stateDir === undefined ? join(stateDir, 'tailscale', hostnameOf(id, fields)) : resolve(stateDir, fields.stateDir)
}

/** @throws TroupeError `Invalid` for a file that cannot be read, or contains no certificate. */
function authoritiesOf(id: EntryId, { ca }: Fields): string {
  if (ca === undefined) return ''
  try {
    const text = ca.startsWith(pemOpening) ? ca : readFileSync(ca, 'utf8')
    // Parsed for validation only; the message of OpenSSL is not shown.
    void new X509Certificate(text)
    return text
  } catch (cause) {
    const why = cause instanceof Error && 'code' in cause ? String(cause.code) : 'it holds none'
    throw invalid(`ca: the certificates of overlay ${id} can not be read (${why})`, { overlay: id, path: 'ca' })
  }
}

/** Returns the auth key; `undefined` where the operator logs the node in. */
function keyOf(id: EntryId, { authKey, authKeyEnv }: Fields, { variable }: Site): string | undefined {
  if (authKey !== undefined || authKeyEnv === undefined) return authKey
  const key = variable(authKeyEnv)?.trim()
  if (key !== undefined && key !== '') return key
  throw invalid(`auth_key_env: the variable ${authKeyEnv} of overlay ${id} is not set`, { overlay: id, path: 'auth_key_env' })
}
