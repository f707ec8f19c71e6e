/** The Go program of this package. */
import { join } from 'node:path'
import type { GoProgram } from '@troupe/tsnet/programs'

export const natsServer: GoProgram = {
  name: 'troupe-nats',
  folder: join(import.meta.dirname, '../server'),
  cacheFolder: 'nats',
  variable: 'TROUPE_NATS',
  title: 'the server of "cluster.servers: embedded"',
  builder: 'npx troupe-nats build',
}
