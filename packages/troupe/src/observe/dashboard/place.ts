/** Where the dashboard is served, and with which names, tokens and certificate. */
import { asTroupeError, invalid, privateFolderFault, readGivenFile, readPrivateFile, unavailable } from '@troupe/core'
import { connectOwn } from '@troupe/network/driver'
import type { AppConfig } from '@troupe/registry'
import { randomBytes } from 'node:crypto'
import type { Stats } from 'node:fs'
import { lstat, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { DashboardData } from './protocol.ts'

type Settings = NonNullable<AppConfig['dashboard']>

const tokenBytes = 32
/** Longest path of a Unix socket, in bytes. */
const longestPath = 107

export function placeOf(addr: string): DashboardData['at'] {
  if (addr.startsWith('unix:')) return { path: addr.slice('unix:'.length) }
  const colon = addr.lastIndexOf(':')
  const host = addr.slice(0, colon).replace(/^\[(.*)\]$/, '$1')
  return { host: host === 'localhost' ? '127.0.0.1' : host, port: Number(addr.slice(colon + 1)) }
}

/** The names of its address, in lower case. */
export function hostsOf(addr: string): readonly string[] {
  const own = addr.startsWith('unix:') ? 'localhost' : addr.replace(/:\d+$/, '')
  const isLoopback = own === 'localhost' || own === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(own)
  const all = [own, ...(isLoopback ? ['localhost', '127.0.0.1', '[::1]'] : [])]
  return [...new Set(all.map((host) => host.toLowerCase()))]
}

export function tokensOf({ token, readerToken }: Settings): DashboardData['tokens'] {
  const made = () => randomBytes(tokenBytes).toString('base64url')
  return { operator: token ?? made(), reader: readerToken ?? made() }
}

/**
 * Prepares the path of a Unix socket: removes the socket of a program that has ended.
 *
 * @throws TroupeError `Invalid` where the folder is not this user's alone, or the path is no socket; `Unavailable`
 *   where another program listens.
 */
export async function prepareSocket(path: string): Promise<void> {
  if (Buffer.byteLength(path) > longestPath)
    throw invalid(`${path} is too long for a Unix socket: choose a shorter one`)
  const folder = dirname(path)
  const fault = privateFolderFault(folder)
  if (fault !== undefined)
    throw invalid(
      `the socket of the dashboard needs a folder that only this user can enter, and ${folder} is none: ${fault}, ` +
        `or set another dashboard.addr`,
    )
  const found = await statOf(path)
  if (found === undefined) return
  if (!found.isSocket())
    throw invalid(`${path} exists and is no socket: remove it, or choose another path for the dashboard`)
  if (await isServed(path))
    throw unavailable(`the dashboard cannot be served at unix:${path}: another program listens there`)
  await rm(path, { force: true })
}

/** Identifies the file at a path; `undefined` without one. */
export async function fileAt(path: string): Promise<string | undefined> {
  const found = await statOf(path)
  return found && `${found.dev}:${found.ino}`
}

async function statOf(path: string): Promise<Stats | undefined> {
  return lstat(path).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  })
}

async function isServed(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connectOwn({ path })
  socket.once('connect', () => {
    resolve(true)
  })
  socket.on('error', (error) => {
    // A program that is too busy to accept also listens.
    resolve(!('code' in error && (error.code === 'ECONNREFUSED' || error.code === 'ENOENT')))
  })
  try {
    return await promise
  } finally {
    socket.destroy()
  }
}

export function certificateOf({ cert, key }: NonNullable<Settings['tls']>): NonNullable<DashboardData['tls']> {
  try {
    return { cert: readGivenFile(cert).toString(), key: readPrivateFile(key) }
  } catch (error) {
    throw unavailable(`the dashboard cannot be served: ${asTroupeError(error).message}`, { cert })
  }
}
