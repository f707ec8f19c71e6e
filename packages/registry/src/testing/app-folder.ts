/** A temporary folder of files for one test. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

export interface AppFolder extends Disposable {
  readonly path: string
  file(name: string): string
}

/** Writes `files` (name to text) into a new folder. */
export function appFolder(files: Readonly<Record<string, string>>): AppFolder {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-registry-')))
  const file = (name: string) => join(path, name)
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(file(name)), { recursive: true })
    writeFileSync(file(name), text)
  }
  return { path, file, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}
