/** The Go programs of this package. */
import { join } from 'node:path'

export interface GoProgram {
  /** Name of the program's file. */
  readonly name: 'troupe-tsnet' | 'troupe-launch'
  /** Folder of its sources. */
  readonly folder: string
  /** Folder of the cache, with one subfolder for each state of the sources. */
  readonly cacheFolder: string
  /** Environment variable that names a program to use instead. */
  readonly variable: 'TROUPE_TSNET' | 'TROUPE_LAUNCHER'
  readonly title: string
}

/** Makes a process a member of tailnets. */
export const sidecar: GoProgram = {
  name: 'troupe-tsnet',
  folder: join(import.meta.dirname, '../sidecar'),
  cacheFolder: 'tsnet',
  variable: 'TROUPE_TSNET',
  title: 'the sidecar of network.tailscale',
}

/** Starts untrusted processes. Linux only, because it depends on Linux features. */
export const launcher: GoProgram = {
  name: 'troupe-launch',
  folder: join(import.meta.dirname, '../launcher'),
  cacheFolder: 'launch',
  variable: 'TROUPE_LAUNCHER',
  title: 'the launcher of "isolation: process"',
}
