/** For tests: an application in its own folder, and the output of the command line for it. */
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { main } from '../main.ts'

export interface AppFolder extends Disposable {
  readonly path: string
  /** Runs `troupe` on this application, in this thread. */
  troupe(...argv: readonly string[]): Promise<Said>
  read(name: string): string
}

export interface Said {
  readonly status: number
  readonly out: string
  readonly err: string
}

/** Writes `files` (name to text) into a new folder. */
export function appFolder(files: Readonly<Record<string, string>> = {}): AppFolder {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-cli-')))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true })
    writeFileSync(join(path, name), text)
  }
  // Packages are those of this repository.
  symlinkSync(resolve(import.meta.dirname, '../../../../node_modules'), join(path, 'node_modules'))
  return {
    path,
    troupe: async (...argv) => troupe('--root', path, ...argv),
    read: (name) => readFileSync(join(path, name), 'utf8'),
    [Symbol.dispose]: () => {
      rmSync(path, { recursive: true, force: true })
    },
  }
}

/** Runs `troupe` in this thread and returns its output. */
export async function troupe(...argv: readonly string[]): Promise<Said> {
  const out: string[] = []
  const err: string[] = []
  const status = await main(argv, { out: (line) => out.push(line), err: (line) => err.push(line) })
  return { status, out: out.join('\n'), err: err.join('\n') }
}
