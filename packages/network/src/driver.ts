/**
 * For authors of overlay kinds outside this package. The kernel's side is an `OverlayKind` of `@troupe/network/kernel`.
 * The thread's side is a {@link Driver}; a module that every thread imports adds it ({@link addDriver}).
 */
export { addDriver } from './dial/dial.ts'
export { pathAsked, unasked } from './sockets/socket-permission.ts'
export { connectOutside, lookupInTheClear } from './guard/tcp/direct-connection.ts'
export { connectOwn } from './sockets/own-sockets.ts'
export { isIsolated } from './dial/connection-handover.ts'
export type { Accepted, Binding, Driver, Listener, Peer, ListenGrant } from './overlay/overlay.ts'
