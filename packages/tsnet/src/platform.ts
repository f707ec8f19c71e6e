/** The platforms of the sidecar. */
import { TroupeError } from '@troupe/core'

/** Platforms with their own package, as `process.platform` and `process.arch`, joined. */
export const platforms = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64'] as const

/** A platform with its own package. */
export type Platform = (typeof platforms)[number]

/** Returns the package that contains the program of a platform. */
export function platformPackage(platform: Platform): string {
  return `@troupe/tsnet-${platform}`
}

/**
 * Returns the platform of this process.
 *
 * @throws TroupeError `Invalid`, "not supported", for one on which the sidecar does not run.
 */
export function currentPlatform(system: string = process.platform, processor: string = process.arch): Platform {
  const name = `${system}-${processor}`
  const found = platforms.find((platform) => platform === name)
  if (found !== undefined) return found
  const reason =
    system === 'win32'
      ? 'its data socket is protected by the permissions of a folder, and ' +
        'its state by a lock on a file, in ways that Windows does not have'
      : `it is built for ${platforms.join(', ')}`
  throw new TroupeError('Invalid', `network.tailscale is not supported on ${name}: ${reason}`, {
    retryable: false,
    details: { platform: name },
  })
}
