/** The overlay of one node of a tailnet. */
import type { EntryId } from '@troupe/core'
import type { FieldsOf } from '@troupe/registry'
import type { Binding, BindOptions, Capabilities, Overlay } from '../../overlay/overlay.ts'
import type { Site } from '../../overlay/overlay-kind.ts'
import { OverlayState } from '../../overlay/overlay-state.ts'
import { Prober } from '../prober.ts'
import { keepAddress } from './address-file.ts'
import { tailscaleKind } from './config.ts'
import { TailnetNode } from './node.ts'
import { tailscale } from './route.ts'
import type { Sidecar } from './sidecar.ts'
import { statusOf } from './status.ts'

export { Sidecars } from './sidecar.ts'

const capabilities: Capabilities = Object.freeze({ listen: true, tls: true, udp: true })

interface NodeOverlayOptions {
  readonly id: EntryId
  readonly fields: FieldsOf<typeof tailscaleKind>
  readonly site: Site
  readonly hostname: string
  /** The folder of the node's keys. */
  readonly stateDir: string
  /** Absent where the operator logs the node in. */
  readonly authKey: string | undefined
  readonly sidecar: Sidecar
}

/** Opens the overlay of an entry. Settles when its node has joined the tailnet, or waits for a person. */
export async function openNode(options: NodeOverlayOptions): Promise<Overlay> {
  const { id, fields, site, hostname, stateDir, authKey, sidecar } = options
  const { generation, log } = site
  const { controlUrl, ephemeral, tags, exitNode } = fields
  const state = new OverlayState(id, log)
  const watched: { prober?: Prober } = {}
  const node = new TailnetNode({
    overlay: id,
    hostname,
    stateDir,
    authKey,
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
  const prober = new Prober({ state, look: async () => statusOf(node, true) })
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
