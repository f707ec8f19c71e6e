/** Go, where something is to be built with it. */
import { findGo, goPackage } from '@troupe/tsnet/build'
import { installPeers } from './install.ts'

/** Installs the distribution's Go if there is none; from that one on, Go downloads the version that is needed. */
export async function ensureGo(): Promise<void> {
  await findGo().catch(async () => installPeers({ go: { path: '/usr/bin/go', package: goPackage } }))
}
