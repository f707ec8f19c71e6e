/** The YAML files of a folder. */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { TroupeError } from '@troupe/core'

/** Absolute paths of all `*.yaml` and `*.yml` under `folder`, in the same order on every machine. */
export async function findYamlFiles(folder: string): Promise<readonly string[]> {
  const found: string[] = []
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    throw new TroupeError('NotFound', `the folder ${folder} cannot be read: ${reasonOf(error)}`, {
      cause: error,
      details: { folder },
    })
  })
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.name.startsWith('.') || entry.name === 'node_modules') continue
    const path = join(folder, entry.name)
    if (entry.isDirectory()) found.push(...(await findYamlFiles(path)))
    // Links to folders are not followed: they can form a circle.
    else if (/\.ya?ml$/.test(entry.name) && (entry.isFile() || (await isFile(path)))) found.push(path)
  }
  return found
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  )
}

function reasonOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}
