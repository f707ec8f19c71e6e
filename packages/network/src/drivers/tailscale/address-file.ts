/**
 * The name and addresses of a node in its tailnet, stored by entry, so that they can be reported while the node does
 * not run.
 */
import type { EntryId } from '@troupe/core'
import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Joined } from './sidecar-messages.ts'

export async function keepAddress(id: EntryId, stateDir: string, { dns_name: name, ips }: Joined): Promise<void> {
  const file = fileOf(id, stateDir)
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  // Replaced as a whole: other programs read it, and another program's entry of the same id may write it too.
  const draft = `${file}.${randomUUID()}`
  await writeFile(draft, `${[name, ...ips].join(' ')}\n`, { mode: 0o600 })
  await rename(draft, file)
}

/** Returns name and addresses; `undefined` if the node never joined. */
export async function keptAddress(id: EntryId, stateDir: string): Promise<string | undefined> {
  const text = await readFile(fileOf(id, stateDir), 'utf8').catch(() => undefined)
  return text?.trim()
}

/** Stored beside the folders of nodes, whose names contain no colon. */
function fileOf(id: EntryId, stateDir: string): string {
  return join(stateDir, 'tailscale', `${id}.address`)
}
