#!/usr/bin/env node
/** The program of `npm create troupe`. It imports nothing before the version is known, like `troupe` itself. */
const least = 24
const version = process.versions.node

if (Number(version.split('.')[0]) < least) {
  process.stderr.write(
    `create-troupe: needs Node ${least} or later; this is Node ${version} at ${process.execPath}.\n` +
      'Install a later one (https://nodejs.org).\n',
  )
  process.exitCode = 1
} else {
  const { create } = await import('./create.ts')
  process.exitCode = create(process.argv.slice(2))
}
