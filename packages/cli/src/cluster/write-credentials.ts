/** `troupe cluster credentials NODE`. */
import { mkdir, open } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { invalid, TroupeError } from '@troupe/core'
import type { ClusterOptions } from '../invocation.ts'
import type { Terminal } from '../terminal.ts'
import type { ClusterConfig } from './require-clear.ts'

export interface CredentialsRequest {
  readonly options: ClusterOptions
  readonly cluster: ClusterConfig
  readonly node: string
}

/** Writes a new key into a file, and prints what the servers need. The key itself is never printed. */
export async function writeCredentials(request: CredentialsRequest, terminal: Terminal): Promise<number> {
  const { cluster, node, options } = request
  if (!/^[a-z0-9-]{1,32}$/.test(node))
    throw invalid(`the name of a node has 1 to 32 characters of a-z, 0-9 and "-", not "${node}"`)
  const file = fileOf(request)
  const { makeNodeKey } = await import('@troupe/cluster/operator')
  const { seed, publicKey, configuration } = makeNodeKey(cluster.name, node)
  await writeNew(file, seed)
  if (options.json) terminal.out(JSON.stringify({ node, file, publicKey, configuration }, undefined, 2))
  else terminal.out(configuration)
  terminal.err(`the key of ${node} is in ${file}: move it to that node, and name it in cluster.credentials there`)
  return 0
}

function fileOf({ options: { out, root }, cluster, node }: CredentialsRequest): string {
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
    const message = `${path} exists, and is not replaced: choose another file with --out, or remove it`
    throw new TroupeError('AlreadyExists', message, { retryable: false, details: { path } })
  }
}
