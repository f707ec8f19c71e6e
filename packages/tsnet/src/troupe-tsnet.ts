#!/usr/bin/env node
/**
 * `troupe-tsnet`: builds the sidecar of `network.tailscale` and the launcher of `isolation: process`, or prints where
 * the sidecar is.
 */
import { parseArgs } from 'node:util'
import { TroupeError } from '@troupe/core'
import { buildLauncher, buildSidecar } from './build/index.ts'
import { findSidecar } from './find.ts'
import { type Platform, platforms } from './platform.ts'

const usage = `troupe-tsnet build [--platform <platform>] [--again]   builds the sidecar and the launcher, with Go
troupe-tsnet where                                     prints the path of the sidecar that would be used

Platforms: ${platforms.join(', ')}. It builds into the cache: $TROUPE_CACHE_DIR, else "troupe" in your cache folder.`

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof TroupeError)) throw error
  tell(process.stderr, error.message)
  process.exitCode = 1
}

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    strict: false,
    options: { platform: { type: 'string' }, again: { type: 'boolean' } },
  })
  const platform = typeof values.platform === 'string' ? platformNamed(values.platform) : undefined
  const chosen = platform === undefined ? {} : { platform }
  switch (positionals[0]) {
    case 'build': {
      tell(process.stderr, 'building the sidecar: the first time this takes some minutes')
      const options = { ...chosen, again: values.again === true }
      const { path } = await buildSidecar(options)
      tell(process.stdout, path)
      if (!(platform ?? process.platform).startsWith('linux')) return 0
      const { path: launcher } = await buildLauncher(options)
      tell(process.stdout, launcher)
      return 0
    }
    case 'where': {
      const { path, origin, sha256 } = await findSidecar(chosen)
      tell(process.stdout, `${path} (${origin}, sha256 ${sha256})`)
      return 0
    }
    default:
      tell(process.stderr, usage)
      return 2
  }
}

function platformNamed(name: string): Platform {
  const found = platforms.find((platform) => platform === name)
  if (found === undefined)
    throw new TroupeError('Invalid', `there is no platform "${name}", only ${platforms.join(', ')}`)
  return found
}

function tell(stream: NodeJS.WritableStream, line: string): void {
  stream.write(`${line}\n`)
}
