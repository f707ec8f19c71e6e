/** The Go program of this package. */
import { join } from 'node:path'
import type { GoProgram, Platform } from '@troupe/tsnet/programs'

/** Returns the package that contains the server for a platform. */
export function platformPackage(platform: Platform): string {
  return `@troupe/nats-${platform}`
}

export const natsServer: GoProgram = {
  name: 'troupe-nats',
  folder: join(import.meta.dirname, '../server'),
  cacheFolder: 'nats',
  variable: 'TROUPE_NATS',
  title: 'the server of "cluster.servers: embedded"',
  builder: 'npx troupe-nats build',
  packages: {
    of: platformPackage,
    dependent: import.meta.url,
    checksums: join(import.meta.dirname, '../checksums.json'),
  },
}
