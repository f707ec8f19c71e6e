/** Overlays, as threads see them: routes, dialling, access. The kernel's side is `@troupe/network/kernel`. */
export { type NetworkAccess, networkAccess, provideNetworkAccess } from './access.ts'
export { dial } from './dial.ts'
export { installGuard } from './guard/refuse.ts'
export type { Capabilities, DialOptions, Driver, Listener, ListenOptions, Overlay, Target } from './overlay.ts'
export type { Route } from './route.ts'
