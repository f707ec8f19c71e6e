/**
 * Finds the program that makes this process a member of tailnets: the sidecar of `network.tailscale`, a small Go
 * program based on Tailscale's tsnet. `PROTOCOL.md` describes its protocol; `@troupe/tsnet/build` builds it.
 */
export { findLauncher, findSidecar, type FindOptions, type FoundProgram } from './find.ts'
export { currentPlatform, type Platform, platformPackage, platforms } from './platform.ts'
