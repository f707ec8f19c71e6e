/** Where the sidecar runs. */
import { TroupeError } from '@troupe/core'

/** Platforms with a package of their own, as `process.platform` and `process.arch` say them, joined. */
export const platforms = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64'] as const

export type Platform = (typeof platforms)[number]

/** The package that brings the program of a platform. */
export function platformPackage(platform: Platform): string {
  return `@troupe/tsnet-${platform}`
}

/**
 * The platform of this process.
 *
 * @throws TroupeError `Invalid`, "not supported", for one on which the sidecar does not run.
 */
export function currentPlatform(system: string = process.platform, processor: string = process.arch): Platform {
  const name = `${system}-${processor}`
  const found = platforms.find((platform) => platform === name)
  if (found !== undefined) return found
  const reason =
    system === 'win32'
      ? 'its data socket is protected by the permissions of a folder, and its state by a lock on a file, in ways that Windows does not have'
      : `it is built for ${platforms.join(', ')}`
  throw new TroupeError('Invalid', `network.tailscale is not supported on ${name}: ${reason}`, {
    retryable: false,
    details: { platform: name },
  })
}
