/** Overlays, as threads use them: routes, dialling, access. The kernel's side is `@troupe/network/kernel`. */
export {
  type ConnectRequest,
  type KernelDialer,
  type NetworkAccess,
  networkAccess,
  provideNetworkAccess,
  provideNetworkAccessOf,
} from './dial/network-access.ts'
export type { Association, AssociationEvents } from './overlay/association.ts'
export { accept, associate, currentIsolation, dial, poolKey, resolve, reverse } from './dial/dial.ts'
export { type GuardOptions, installGuard } from './guard/install.ts'
export { hideEnvironment } from './guard/node/diagnostic-report.ts'
export { trustAddons } from './guard/node/native-addons.ts'
export { overlayChanged } from './guard/pools/connection-key.ts'
export type { OverlayCondition, OverlayStateEvent } from './overlay/overlay-state.ts'
export type { DialEvent, DialLatency, OverlayHealth } from './dial/health-report.ts'
export { cutStreams, endStreams, oldestStream, overlayHealth } from './dial/overlay-health.ts'
export { closeConnection, type OpenConnection, openConnections } from './dial/open-connections.ts'
export { refusals } from './guard/refusal-names.ts'
export type {
  Accepted,
  AssociateOptions,
  Binding,
  BindOptions,
  Capabilities,
  DialOptions,
  Driver,
  Entrance,
  Isolation,
  Listener,
  Overlay,
  OverlayStatus,
  Peer,
  PeerStatus,
  ResolvedAddress,
  ResolveOptions,
  Target,
  ListenGrant,
} from './overlay/overlay.ts'
export { type Here, listenHere } from './listen/listen-here.ts'
export { listenOn } from './listen/listen-on.ts'
export { overlayMoved } from './listen/overlay-changes.ts'
export { peerOf } from './listen/peer.ts'
export { isPrivateAddress } from './dial/private-addresses.ts'
export type { Route } from './overlay/route.ts'
export type { SocketHandoff } from './handoff/handed-socket.ts'
export { handOver, takeOver } from './handoff/socket-handoff.ts'
export { sealProcess, sealThread } from './sealed/seal-thread.ts'
export { checkProxyRoute, type ProxyAddress, proxyRoute, readProxyUrl } from './drivers/socks5/proxy-url.ts'
export { unbound } from './guard/errors.ts'
export { bindThreadNetwork, threadNetwork, threadOverlay, type ThreadNetwork } from './overlay/thread-network.ts'
