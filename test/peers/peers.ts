/** The data about the started peers that the global set-up passes to the tests. */
import type { TargetPorts } from './target.ts'

export interface Login {
  readonly username: string
  readonly password: string
}

export interface ProxyPeer {
  readonly name: string
  readonly host: string
  readonly port: number
  /** File in which the proxy logs its requests. */
  readonly log: string
  readonly login?: Login
}

export interface TorPeer {
  /** The ordinary port. */
  readonly socks: { readonly host: string; readonly port: number }
  /** The port that reports details about onion services (`ExtendedErrors`). */
  readonly extended: { readonly host: string; readonly port: number }
  /** Path of a port on a Unix socket. */
  readonly unix: string
  readonly control: { readonly host: string; readonly port: number }
  /** The control port's cookie, in hexadecimal. */
  readonly cookie: string
  /** The line of a `torrc` by which other clients know the authority of this network. */
  readonly directory: string
  /** An onion service whose port 80 leads to the target's HTTP port. */
  readonly onion: string
}

export interface I2pPeer {
  /** The router's SAM bridge; its datagram port is one below. */
  readonly sam: { readonly host: string; readonly port: number }
  /** Sends back what it receives; `.b32.i2p` name, and the whole destination in base64. */
  readonly echo: string
  readonly echoDestination: string
  /** Sends `bye` and ends. */
  readonly bye: string
}

export interface Peers {
  readonly target: TargetPorts
  readonly microsocks: ProxyPeer
  readonly microsocksLogin: ProxyPeer
  readonly dante: ProxyPeer
  readonly danteLogin: ProxyPeer
  readonly go: ProxyPeer
  readonly goLogin: ProxyPeer
  readonly python: ProxyPeer
  readonly tor: TorPeer
  readonly i2p: I2pPeer
}

declare module 'vitest' {
  interface ProvidedContext {
    peers: Peers
  }
}
