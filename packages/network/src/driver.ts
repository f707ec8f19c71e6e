/**
 * For authors of overlay kinds that are no part of this package: the kernel's side is an `OverlayKind` of `@troupe/network/kernel`,
 * the threads' side a {@link Driver} that a module adds which every thread imports ({@link addDriver}).
 */
export { addDriver } from './dial/dial.ts'
export { pathAsked, unasked } from './sockets/socket-permission.ts'
export { connectOutside, lookupInTheClear } from './guard/tcp/direct-connection.ts'
export { connectOwn } from './sockets/own-sockets.ts'
export type { Accepted, Binding, Driver, Listener, Peer, ListenGrant } from './overlay/overlay.ts'
