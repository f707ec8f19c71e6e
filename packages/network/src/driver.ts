/**
 * For authors of overlay kinds that are no part of this package: the kernel's side is an `OverlayKind` of `@troupe/network/kernel`,
 * the threads' side a {@link Driver} that a module adds which every thread imports ({@link addDriver}).
 */
export { addDriver } from './dial.ts'
export { pathAsked, unasked } from './guard/consent.ts'
export { connectInTheClear, lookupInTheClear } from './guard/in-the-clear.ts'
export { connectPermitted } from './guard/permit.ts'
export type { Accepted, Binding, Driver, Listener, Peer, Ticket } from './overlay.ts'
