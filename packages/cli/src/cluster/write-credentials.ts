/** `troupe cluster credentials NODE...`. */
import { existsSync } from 'node:fs'
import { mkdir, open } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { invalid, TroupeError } from '@troupe/core'
import type { ClusterOptions } from '../invocation.ts'
import type { Terminal } from '../terminal.ts'
import type { ClusterConfig } from './require-clear.ts'

export interface CredentialsRequest {
  readonly options: ClusterOptions
  readonly cluster: ClusterConfig
  readonly nodes: readonly string[]
}

/** Writes a new key for each node into a file, and prints what the servers need. The keys are never printed. */
export async function writeCredentials(request: CredentialsRequest, terminal: Terminal): Promise<number> {
  const { cluster, nodes, options } = request
  for (const [index, node] of nodes.entries()) {
    if (!/^[a-z0-9-]{1,32}$/.test(node))
      throw invalid(`the name of a node has 1 to 32 characters of a-z, 0-9 and "-", not "${node}"`)
    if (nodes.indexOf(node) !== index) throw invalid(`${node} is named twice: a node has one key`)
  }
  // All or none.
  for (const node of nodes) if (existsSync(fileOf(request, node))) throw existing(fileOf(request, node))
  const { accountText, makeNodeKey } = await import('@troupe/cluster/operator')
  const written = []
  for (const node of nodes) {
    const file = fileOf(request, node)
    const { seed, publicKey } = makeNodeKey(node)
    await writeNew(file, seed)
    written.push({ node, file, publicKey })
  }
  const configuration = accountText(cluster.name, written)
  if (options.json) terminal.out(JSON.stringify({ nodes: written, configuration }, undefined, 2))
  else terminal.out(configuration)
  for (const { node, file } of written)
    terminal.err(`the key of ${node} is in ${file}: move it to that node, and name it in cluster.credentials there`)
  return 0
}

function fileOf({ options: { out, root }, cluster }: CredentialsRequest, node: string): string {
  if (out !== undefined) return resolve(out)
  return node === cluster.node && cluster.credentials !== undefined
    ? cluster.credentials
    : join(resolve(root), '.troupe', `${node}.nk`)
}

async function writeNew(path: string, text: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    // It neither replaces a file nor follows a link.
    await using file = await open(path, 'wx', 0o600)
    await file.chmod(0o600)
    await file.writeFile(text)
    await file.sync()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    if (code !== 'EEXIST') throw invalid(`the key cannot be written into ${path} (${code})`, { path })
    throw existing(path)
  }
}

function existing(path: string): TroupeError {
  const message = `${path} exists, and is not replaced: choose another file with --out, or remove it`
  return new TroupeError('AlreadyExists', message, { retryable: false, details: { path } })
}
