#!/usr/bin/env node
/** `troupe-nats`: builds the nats-server of `cluster.servers: embedded`, or prints where it is. */
import { TroupeError } from '@troupe/core'
import { buildNatsServer } from './build.ts'
import { findNatsServer } from './index.ts'

const usage = `troupe-nats build [--again]   builds the server, with Go
troupe-nats where             prints the path of the server that would be used

It builds into the cache: $TROUPE_CACHE_DIR, else "troupe" in your cache folder.
`

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof TroupeError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}

async function main([command, option, ...rest]: readonly string[]): Promise<number> {
  const isAgain = option === '--again'
  if (command === 'build' && (option === undefined || isAgain) && rest.length === 0) {
    process.stderr.write('building nats-server: the first time this takes a minute or two\n')
    const { path } = await buildNatsServer({ again: isAgain })
    process.stdout.write(`${path}\n`)
    return 0
  }
  if (command === 'where' && option === undefined) {
    const { path, origin, sha256 } = await findNatsServer()
    process.stdout.write(`${path} (${origin}, sha256 ${sha256})\n`)
    return 0
  }
  process.stderr.write(usage)
  return 2
}
