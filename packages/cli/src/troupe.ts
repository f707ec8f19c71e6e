#!/usr/bin/env node
/**
 * The program `troupe`. This file imports nothing before the version is known: older versions of Node cannot load the
 * rest, and would print a syntax error instead of the cause.
 */
const least = 24
const version = process.versions.node

if (Number(version.split('.')[0]) < least) {
  console.error(
    `troupe: needs Node ${least} or later; this is Node ${version} at ${process.execPath}.\n` +
      'Install a later one (https://nodejs.org), or run this with one: npx --package=node@24 -- troupe …',
  )
  process.exitCode = 1
} else await import('./start.ts')
