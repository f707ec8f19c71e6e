/** The package with nats-server. It is large, and installed only where `cluster.servers` is `embedded`. */
import { TroupeError } from '@troupe/core'

/** What is used of it. Declared here, so that the types of this package do not need it. */
export interface NatsPackage {
  findNatsServer(): Promise<{ readonly path: string }>
}

/**
 * Loads `@troupe/nats`.
 *
 * @throws TroupeError `Unavailable`, final, with the command that installs it, when it is not installed.
 */
export async function natsPackage(): Promise<NatsPackage> {
  try {
    return await import('@troupe/nats')
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND')) throw cause
    throw new TroupeError(
      'Unavailable',
      'cluster.servers: "embedded" needs the package @troupe/nats, which is not installed; install it with ' +
        '"npm install @troupe/nats"',
      { retryable: false, details: { package: '@troupe/nats' }, cause },
    )
  }
}
