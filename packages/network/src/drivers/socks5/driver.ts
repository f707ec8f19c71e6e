/** Kernel side of `network.socks5`: what threads need to dial is all there is; a proxy holds no state of ours. */
import { TroupeError } from '@troupe/core'
import type { Capabilities, Overlay } from '../../overlay.ts'
import { overlayKind } from '../../overlay-kind.ts'
import { socks5Kind } from './config.ts'
import { type Socks5Route, socks5 } from './route.ts'

const capabilities: Capabilities = Object.freeze({ listen: false, tls: false, udp: false })

export const socks5Overlay = overlayKind(socks5Kind, async (id, fields, generation): Promise<Overlay> => {
  const { host, port, username, password, isolateStreams } = fields
  const login = username !== undefined && password !== undefined ? { login: { username, password } } : {}
  const config: Socks5Route = { host, port, isolateStreams, ...login }
  return {
    id,
    kind: socks5Kind.kind,
    capabilities,
    route: Object.freeze({ overlay: id, generation, driver: socks5, config: Object.freeze(config) }),
    async listen() {
      throw new TroupeError('Invalid', `listening on ${id} is not supported: ${socks5Kind.kind} is outbound only`, {
        details: { overlay: id },
      })
    },
    async [Symbol.asyncDispose]() {},
  }
})
