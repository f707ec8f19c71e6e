/** Reads the entries of a folder. */
import { resolve } from 'node:path'
import { entriesOf } from './document.ts'
import type { Entry } from '../entries/entry.ts'
import { findYamlFiles } from './folder.ts'
import type { Diagnostic } from '../schema/diagnostic.ts'
import { readYaml } from './parse.ts'

/**
 * Reads all YAML files under `folder`.
 *
 * @throws TroupeError `NotFound` when it cannot be read.
 */
export async function readFolder(
  folder: string,
): Promise<{ readonly entries: readonly Entry[]; readonly problems: readonly Diagnostic[] }> {
  const files = await findYamlFiles(resolve(folder))
  const entries: Entry[] = []
  const problems: Diagnostic[] = []
  for (const parsed of await Promise.all(files.map(readYaml))) {
    const read = parsed.documents.map(entriesOf)
    entries.push(...read.flatMap((document) => document.entries))
    problems.push(...parsed.problems, ...read.flatMap((document) => document.problems))
  }
  return { entries, problems }
}
