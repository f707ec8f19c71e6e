/** Builds the nats-server of this package. */
import { type BuildOptions, buildProgram, type FoundProgram } from '@troupe/tsnet/programs'
import { natsServer } from './program.ts'

/**
 * Returns the server of this version, built with Go unless the cache has it. The first build takes one to two minutes,
 * and downloads modules according to Go's own settings (`GOPROXY`).
 *
 * @throws TroupeError `Unavailable`, final, when there is no Go, or it fails.
 */
export async function buildNatsServer(options: BuildOptions = {}): Promise<FoundProgram> {
  return buildProgram(natsServer, options)
}
