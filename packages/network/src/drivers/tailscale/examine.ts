/** Checks what a tailnet node needs, without a node: the sidecar program, and the coordination server. */
import { TroupeError } from '@troupe/core'
import { get as getPlain, type IncomingMessage } from 'node:http'
import { get as getSecure } from 'node:https'
import { mkdtempDisposable, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates } from 'node:tls'
import type { Examined } from '../../overlay/overlay-kind.ts'
import { tsnetPackage } from '../../overlay/tsnet-package.ts'
import { SidecarProcess } from './sidecar-process.ts'

interface Options {
  /** Whether a key of the tailnet is configured: the node can log in by itself. */
  readonly hasKey: boolean
  /** The folder of the node's keys. */
  readonly stateDir: string
  /** Absent for the server of Tailscale, which no entry names and which is therefore not asked. */
  readonly controlUrl: string | undefined
  /** PEM, in addition to those of the system; may be empty. */
  readonly authorities: string
  readonly signal: AbortSignal
}

/** Starts the sidecar without nodes and ends it; asks the coordination server that the entry names for its time. */
export async function examineTailnet(options: Options): Promise<readonly Examined[]> {
  const { controlUrl, authorities, signal } = options
  const server = controlUrl === undefined ? [] : [examineServer(controlUrl, authorities, signal)]
  return Promise.all([examineSidecar(), examineLogin(options), ...server])
}

/** A node with neither a key of the tailnet nor keys of its own waits for a person. */
async function examineLogin({ hasKey, stateDir }: Options): Promise<Examined> {
  const part = 'the login'
  if (hasKey) return { part, state: 'up' }
  const kept = await readdir(stateDir).catch(() => [])
  return kept.length > 0
    ? { part, state: 'up' }
    : { part, state: 'degraded', reason: 'no auth key, and no keys of an earlier login: the node waits for a person' }
}

async function examineSidecar(): Promise<Examined> {
  const part = 'the sidecar'
  try {
    const programs = await tsnetPackage('network.tailscale')
    const { path: program } = await programs.findSidecar()
    await using folder = await mkdtempDisposable(join(tmpdir(), 'troupe-'))
    const sidecar = await SidecarProcess.start({ program, socket: join(folder.path, 's'), onEvent: () => undefined })
    await sidecar.stop()
    return { part, state: 'up' }
  } catch (error) {
    return { part, state: 'down', reason: reasonOf(error) }
  }
}

async function examineServer(url: string, authorities: string, signal: AbortSignal): Promise<Examined> {
  const part = 'the coordination server'
  const proxy = url.startsWith('https:') ? 'HTTPS_PROXY' : 'HTTP_PROXY'
  // The sidecar would use the proxy of that variable; a direct connection is not what it would do.
  if ((process.env[proxy] ?? '') !== '')
    return { part, state: 'starting', reason: `it is reached through the proxy of the variable ${proxy}` }
  try {
    const ca = [...getCACertificates('default'), ...getCACertificates('system'), authorities].filter(Boolean)
    const request = url.startsWith('https:') ? getSecure(url, { ca, signal }) : getPlain(url, { signal })
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    request.once('response', resolve).once('error', reject)
    const response = await promise
    const date = Date.parse(response.headers.date ?? '')
    response.destroy()
    return { part, state: 'up', ...(Number.isFinite(date) && { date }) }
  } catch (error) {
    return { part, state: 'down', reason: reasonOf(error) }
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'AbortError') return 'it did not reply in time'
  return error instanceof TroupeError || !('code' in error) ? error.message : `${error.message} (${String(error.code)})`
}
