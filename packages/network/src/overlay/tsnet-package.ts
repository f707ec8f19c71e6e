/** The package with the programs that are written in Go. It is large, and installed only where one of them is used. */
import { TroupeError } from '@troupe/core'

/** What is used of it. Declared here, so that the types of this package do not need it. */
export interface TsnetPackage {
  findSidecar(): Promise<{ readonly path: string }>
  findLauncher(): Promise<{ readonly path: string }>
}

/**
 * Loads `@troupe/tsnet`.
 *
 * @param user - What needs it: `network.tailscale`, for instance.
 * @throws TroupeError `Unavailable`, final, with the command that installs it, when it is not installed.
 */
export async function tsnetPackage(user: string): Promise<TsnetPackage> {
  try {
    return await import('@troupe/tsnet')
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND')) throw cause
    throw new TroupeError(
      'Unavailable',
      `${user} needs the package @troupe/tsnet, which is not installed; install it with "npm install @troupe/tsnet"`,
      { retryable: false, details: { package: '@troupe/tsnet' }, cause },
    )
  }
}
