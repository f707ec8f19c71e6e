/** Programs in Go: what finds and builds them, and those of this package. */
import { join } from 'node:path'
import { type Platform, platformPackage } from './platform.ts'

/** The packages that contain a program, one for each platform. */
export interface ProgramPackages {
  /** Returns the package of a platform. */
  readonly of: (platform: Platform) => string
  /** URL of a module of the package that depends on them. */
  readonly dependent: string
  /** The file with their checksums, which that package has once it is published. */
  readonly checksums: string
}

const own = {
  builder: 'npx troupe-tsnet build',
  packages: {
    of: platformPackage,
    dependent: import.meta.url,
    checksums: join(import.meta.dirname, '../checksums.json'),
  },
} as const

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
  /** The packages that contain it. */
  readonly packages: ProgramPackages
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
