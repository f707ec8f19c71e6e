/** Overlays, as threads see them: routes, dialling, access. The kernel's side is `@troupe/network/kernel`. */
export { type Errand, type Hands, type NetworkAccess, networkAccess, provideNetworkAccess } from './access.ts'
export type { Association, AssociationEvents } from './association.ts'
export { accept, associate, currentIsolation, dial, poolKey, resolve, reverse } from './dial.ts'
export { type GuardOptions, installGuard } from './guard/install.ts'
export { hideEnvironment } from './guard/report.ts'
export { trustAddons } from './guard/native-addons.ts'
export { overlayChanged } from './guard/routes.ts'
export type { OverlayCondition, OverlayStateEvent } from './overlay-state.ts'
export { cutStreams, type DialEvent, type DialLatency, type OverlayHealth, oldestStream, overlayHealth } from './health.ts'
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
  Ticket,
} from './overlay.ts'
export { type Here, listenHere } from './listen/listen-here.ts'
export { listenOn } from './listen/listen-on.ts'
export { overlayMoved } from './listen/moved.ts'
export { peerOf } from './listen/peer.ts'
export { isPrivateAddress } from './private-addresses.ts'
export type { Route } from './route.ts'
export type { Handed } from './handed.ts'
export { handOver, takeOver } from './sealed/hand-over.ts'
export { sealProcess, sealThread } from './sealed/seal-thread.ts'
export { unbound } from './guard/refusal.ts'
export { bindThreadNetwork, threadNetwork, threadOverlay, type ThreadNetwork } from './thread-network.ts'
