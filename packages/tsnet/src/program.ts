/** Programs in Go: what finds and builds them, and those of this package. */
import { join } from 'node:path'
import { type Platform, platformPackage } from './platform.ts'

const own = { builder: 'npx troupe-tsnet build', packaged: platformPackage } as const

export interface GoProgram {
  /** Name of the program's file. */
  readonly name: string
  /** Folder of its sources. */
  readonly folder: string
  /** Folder of the cache, with one subfolder for each state of the sources. */
  readonly cacheFolder: string
  /** Environment variable that names a program to use instead. */
  readonly variable: string
  readonly title: string
  /** The command that builds it. */
  readonly builder: string
  /** Returns the package that contains it for a platform. @default it is in none */
  readonly packaged?: (platform: Platform) => string
}

/** Makes a process a member of tailnets. */
export const sidecar: GoProgram = {
  name: 'troupe-tsnet',
  folder: join(import.meta.dirname, '../sidecar'),
  cacheFolder: 'tsnet',
  variable: 'TROUPE_TSNET',
  title: 'the sidecar of network.tailscale',
  ...own,
}

/** Starts untrusted processes. Linux only, because it depends on Linux features. */
export const launcher: GoProgram = {
  name: 'troupe-launch',
  folder: join(import.meta.dirname, '../launcher'),
  cacheFolder: 'launch',
  variable: 'TROUPE_LAUNCHER',
  title: 'the launcher of "isolation: process"',
  ...own,
}
