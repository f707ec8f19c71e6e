/** Kernel side of `network.socks5`. It only builds routes: a proxy keeps no state for Troupe. */
import { type EntryId, invalid, TroupeError } from '@troupe/core'
import type { FieldsOf } from '@troupe/registry'
import { randomBytes } from 'node:crypto'
import type { Capabilities, Overlay } from '../../overlay/overlay.ts'
import { type Entries, type OverlayKind, overlayKind, type Site } from '../../overlay/overlay-kind.ts'
import type { Route } from '../../overlay/route.ts'
import { OverlayState } from '../../overlay/overlay-state.ts'
import { Prober } from '../prober.ts'
import { socks5Kind } from './config.ts'
import { closeSpares } from './spares.ts'
import { checkProxies } from './check-proxies.ts'
import { i2pKind } from '../i2p/config.ts'
import { i2p } from '../i2p/route.ts'
import { reachable } from './probe.ts'
import { type IsolationRule, type Proxy, type Socks5Route, socks5 } from './route.ts'

/** Datagrams work if the proxy supports them, which is known only after the first association. */
const capabilities: Capabilities = Object.freeze({ listen: false, tls: false, udp: true })
const seedBytes = 32

type Fields = FieldsOf<typeof socks5Kind>

export const socks5Overlay: OverlayKind = {
  ...overlayKind(socks5Kind, async (id, fields, site): Promise<Overlay> => open(id, fields, site)),
  problems(entries, id) {
    const { via, proxies, host = '' } = entries.decode(id, socks5Kind).fields
    if (via === undefined) return []
    const leadsToI2p = entries.get(via).kind === i2pKind.kind
    const hosts = proxies === undefined ? [host] : proxies.map((proxy) => proxy.host ?? '')
    return leadsToI2p && !hosts.every(isOfI2p) ? [{ path: 'via', message: noWayBy(via) }] : []
  },
  async examine(entries, id, { signal }) {
    const { fields } = entries.decode(id, socks5Kind)
    const via = fields.via === undefined ? undefined : routeWithoutOverlay(entries, fields.via)
    const part = fields.proxies === undefined ? 'the proxy' : 'the proxies'
    if (fields.via !== undefined && via === undefined)
      return [{ part, state: 'starting', reason: `only a running application reaches it, through ${fields.via}` }]
    return [{ part, ...(await checkProxies(id, configOf(fields, via), fields.probe, signal)) }]
  },
}

/** The route of proxies, which need no running overlay; `undefined` for overlays of other kinds, or behind one. */
function routeWithoutOverlay(entries: Entries, id: EntryId): Route | undefined {
  if (entries.get(id).kind !== socks5Kind.kind) return undefined
  const { fields } = entries.decode(id, socks5Kind)
  const via = fields.via === undefined ? undefined : routeWithoutOverlay(entries, fields.via)
  if (fields.via !== undefined && via === undefined) return undefined
  return { overlay: id, generation: 0, driver: socks5, config: configOf(fields, via) }
}

async function open(id: EntryId, fields: Fields, { application, generation, routeOf, log }: Site): Promise<Overlay> {
  const config = configOf(fields, fields.via === undefined ? undefined : routeOf(fields.via))
  refuseNoWay(id, config)
  const state = new OverlayState(id, log)
  const prober = new Prober({ state, look: async (signal) => checkProxies(id, config, fields.probe, signal) })
  return {
    id,
    kind: socks5Kind.kind,
    capabilities,
    ...isolatesOf(config),
    route: Object.freeze({ overlay: id, application, generation, driver: socks5, config: Object.freeze(config) }),
    check: async () => reachable(config),
    async status() {
      if (state.view.state === 'starting') await prober.settled()
      return state.view
    },
    doubt: () => prober.doubt(),
    retire: () => closeSpares({ application, overlay: id }),
    async bind() {
      throw new TroupeError('Invalid', `listening on ${id} is not supported: ${socks5Kind.kind} is outbound only`, {
        details: { overlay: id },
      })
    },
    async [Symbol.asyncDispose]() {
      closeSpares({ application, overlay: id })
      await prober[Symbol.asyncDispose]()
    },
  }
}

function refuseNoWay(id: EntryId, { via, proxies }: Socks5Route): void {
  if (via?.driver !== i2p || proxies.every(({ host }) => isOfI2p(host))) return
  throw invalid(`via: ${noWayBy(via.overlay)}`, { overlay: id, path: 'via' })
}

/** Whether a host is in I2P: a proxy into I2P reaches nothing else. */
function isOfI2p(host: string): boolean {
  return host.toLowerCase().endsWith('.i2p')
}

function noWayBy(via: EntryId): string {
  return `overlay ${via} is I2P, which reaches no proxy but one with a name that ends in .i2p`
}

function configOf(fields: Fields, via: Route | undefined): Socks5Route {
  const isolate = isolationOf(fields)
  return {
    proxies: (fields.proxies ?? [fields]).map(proxyOf),
    policy: fields.policy,
    spares: fields.spares,
    optimistic: fields.optimistic === 'auto' ? isolate !== undefined : fields.optimistic,
    timeouts: {
      connect: fields.connectTimeout,
      firstByte: fields.firstByteTimeout,
      handshake: fields.handshakeTimeout,
    },
    ...(isolate && { isolate }),
    ...(via && { via }),
  }
}

function isolatesOf({ isolate }: Socks5Route): Pick<Overlay, 'isolates'> {
  return isolate?.by === 'actor' || isolate?.by === 'process' ? { isolates: isolate.by } : {}
}

function proxyOf({
  host = '',
  port,
  username,
  password,
}: Pick<Fields, 'host' | 'port' | 'username' | 'password'>): Proxy {
  return {
    host,
    ...(port !== undefined && { port }),
    ...(username !== undefined && password !== undefined && { login: { username, password } }),
  }
}

function isolationOf({ isolate, isolateStreams, isolateForm: form = 'login' }: Fields): IsolationRule | undefined {
  const by = isolate ?? (isolateStreams ? 'connection' : undefined)
  return by && { by, form, seed: randomBytes(seedBytes).toString('hex') }
}
