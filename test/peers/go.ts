/** Go, where something is to be built with it. */
import { findGo, goPackage } from '@troupe/tsnet/build'
import { installPeers } from './install.ts'

/** Installs the distribution's Go where there is none; from that one on, Go brings the version that is needed. */
export async function ensureGo(): Promise<void> {
  await findGo().catch(async () => installPeers({ go: { path: '/usr/bin/go', package: goPackage } }))
}
