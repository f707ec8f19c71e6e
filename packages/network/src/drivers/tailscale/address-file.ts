/** What a node is called in its tailnet, kept by entry, so that it can be told while nothing runs. */
import type { EntryId } from '@troupe/core'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Joined } from './sidecar-messages.ts'

export async function keepAddress(id: EntryId, stateDir: string, { dns_name: name, ips }: Joined): Promise<void> {
  const file = fileOf(id, stateDir)
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  await writeFile(file, `${[name, ...ips].join(' ')}\n`, { mode: 0o600 })
}

/** Name and addresses; nothing where the node was never in. */
export async function keptAddress(id: EntryId, stateDir: string): Promise<string | undefined> {
  const text = await readFile(fileOf(id, stateDir), 'utf8').catch(() => undefined)
  return text?.trim()
}

/** Beside the folders of nodes, whose names have no colon. */
function fileOf(id: EntryId, stateDir: string): string {
  return join(stateDir, 'tailscale', `${id}.address`)
}
