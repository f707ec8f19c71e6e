/** Finds the nats-server that `cluster.servers: embedded` starts; `@troupe/nats/build` builds it. */
import { findProgram, type FindOptions, type FoundProgram } from '@troupe/tsnet/programs'
import { natsServer } from './program.ts'

/**
 * Returns the server to run. Never builds or downloads anything.
 *
 * @throws TroupeError `Unavailable`, final, with what to do, if there is none; `Invalid`, final, for one whose checksum
 *   differs, and on platforms that are not supported.
 */
export async function findNatsServer(options: FindOptions = {}): Promise<FoundProgram> {
  return findProgram(natsServer, options)
}
