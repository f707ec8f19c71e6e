/** The Go sources of this package. */
import { createHash } from 'node:crypto'
import { glob, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sidecar } from './program.ts'

export const sourceFolder = sidecar.folder

/**
 * Returns the digest of the sources, in 16 hexadecimal digits: a sidecar built from other sources may use another
 * protocol.
 */
export async function sourceDigest(folder: string = sourceFolder): Promise<string> {
  const files = await Array.fromAsync(glob('**/*', { cwd: folder, withFileTypes: true }))
  const paths = files
    .filter((file) => file.isFile() && !file.name.endsWith('_test.go'))
    .map((file) => join(file.parentPath, file.name))
  const hash = createHash('sha256')
  for (const path of paths.toSorted())
    hash
      .update(path.slice(folder.length))
      .update('\0')
      .update(await readFile(path))
      .update('\0')
  return hash.digest('hex').slice(0, 16)
}
