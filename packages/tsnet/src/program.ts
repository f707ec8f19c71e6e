/** The Go programs that this package brings. */
import { join } from 'node:path'

export interface GoProgram {
  /** Its file's name. */
  readonly name: 'troupe-tsnet' | 'troupe-launch'
  /** Of its sources. */
  readonly folder: string
  /** Of the cache, below which there is one for each state of the sources. */
  readonly cacheFolder: string
  /** Names a program to use. */
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

/** Starts processes that are not trusted. Linux alone has what it stands on. */
export const launcher: GoProgram = {
  name: 'troupe-launch',
  folder: join(import.meta.dirname, '../launcher'),
  cacheFolder: 'launch',
  variable: 'TROUPE_LAUNCHER',
  title: 'the launcher of "isolation: process"',
}
