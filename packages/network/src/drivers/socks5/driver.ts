/** Kernel side of `network.socks5`: what threads need to dial is all there is; a proxy holds no state of ours. */
import { type EntryId, invalid, TroupeError } from '@troupe/core'
import type { FieldsOf } from '@troupe/registry'
import { randomBytes } from 'node:crypto'
import type { Capabilities, Overlay } from '../../overlay.ts'
import { overlayKind } from '../../overlay-kind.ts'
import type { Route } from '../../route.ts'
import { OverlayState } from '../../overlay-state.ts'
import { Prober } from '../prober.ts'
import { socks5Kind } from './config.ts'
import { look } from './look.ts'
import { i2p } from '../i2p/route.ts'
import { reachable } from './reach.ts'
import { type IsolationRule, type Proxy, type Socks5Route, socks5 } from './route.ts'

/** Datagrams ride where the proxy offers it; that shows when one is asked for. */
const capabilities: Capabilities = Object.freeze({ listen: false, tls: false, udp: true })
const seedBytes = 32

type Fields = FieldsOf<typeof socks5Kind>

export const socks5Overlay = overlayKind(socks5Kind, async (id, fields, { generation, routeOf, log }): Promise<Overlay> => {
  const config = configOf(fields, fields.via === undefined ? undefined : routeOf(fields.via))
  refuseNoWay(id, config)
  const state = new OverlayState(id, log)
  const prober = new Prober({ state, look: async (signal) => look(id, config, fields.probe, signal) })
  return {
    id,
    kind: socks5Kind.kind,
    capabilities,
    ...isolatesOf(config),
    route: Object.freeze({ overlay: id, generation, driver: socks5, config: Object.freeze(config) }),
    check: async () => reachable(config),
    async status() {
      if (state.view.state === 'starting') await prober.settled()
      return state.view
    },
    doubt: () => prober.doubt(),
    async bind() {
      throw new TroupeError('Invalid', `listening on ${id} is not supported: ${socks5Kind.kind} is outbound only`, {
        details: { overlay: id },
      })
    },
    [Symbol.asyncDispose]: async () => prober[Symbol.asyncDispose](),
  }
})

/** I2P leads to nothing but I2P. */
function refuseNoWay(id: EntryId, { via, proxies }: Socks5Route): void {
  if (via?.driver !== i2p || proxies.every(({ host }) => host.toLowerCase().endsWith('.i2p'))) return
  throw invalid(`via: overlay ${via.overlay} is I2P, which reaches no proxy but one with a name that ends in .i2p`, {
    overlay: id,
    path: 'via',
  })
}

function configOf(fields: Fields, via: Route | undefined): Socks5Route {
  const isolate = isolationOf(fields)
  return {
    proxies: (fields.proxies ?? [fields]).map(proxyOf),
    policy: fields.policy,
    optimistic: fields.optimistic === 'auto' ? isolate !== undefined : fields.optimistic,
    timeouts: { connect: fields.connectTimeout, firstByte: fields.firstByteTimeout, handshake: fields.handshakeTimeout },
    ...(isolate && { isolate }),
    ...(via && { via }),
  }
}

function isolatesOf({ isolate }: Socks5Route): Pick<Overlay, 'isolates'> {
  return isolate?.by === 'actor' || isolate?.by === 'process' ? { isolates: isolate.by } : {}
}

function proxyOf({ host = '', port, username, password }: Pick<Fields, 'host' | 'port' | 'username' | 'password'>): Proxy {
  return {
    host,
    ...(port !== undefined && { port }),
    ...(username !== undefined && password !== undefined && { login: { username, password } }),
  }
}

function isolationOf({ isolate, isolateStreams, isolateForm: form }: Fields): IsolationRule | undefined {
  const by = isolate ?? (isolateStreams ? 'connection' : undefined)
  return by && { by, form, seed: randomBytes(seedBytes).toString('hex') }
}
