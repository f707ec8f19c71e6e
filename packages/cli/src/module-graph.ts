/** The modules of an application, followed from those that entries name, each read once. */
import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Finding } from './finding.ts'
import { type ModuleSource, readModule } from './module-source.ts'

export class ModuleGraph {
  /** What is wrong with the modules that were read. */
  readonly findings: Finding[] = []
  readonly #modules = new Map<string, Promise<ModuleSource | undefined>>()

  /**
   * The names that the module at `file` exports; `undefined` when that can not be told: its syntax is wrong, it is
   * CommonJS, or it hands on all of a package.
   */
  async exportsOf(file: string, above: ReadonlySet<string> = new Set()): Promise<ReadonlySet<string> | undefined> {
    const source = await this.#read(file)
    if (!source?.exports) return undefined
    const names = new Set(source.exports)
    const seen = new Set([...above, file])
    for (const { specifier } of source.imports.filter(({ star }) => star)) {
      const target = fileOf(specifier, file)
      if (target !== undefined && seen.has(target)) continue
      const handedOn = target === undefined ? undefined : await this.exportsOf(target, seen)
      if (!handedOn) return undefined
      for (const name of handedOn) if (name !== 'default') names.add(name)
    }
    return names
  }

  /** A module that was read, and all that it imports by relative names. */
  async reach(file: string, found: Set<string> = new Set()): Promise<ReadonlySet<string>> {
    if (found.has(file)) return found
    found.add(file)
    const source = await this.#modules.get(file)
    for (const { specifier } of source?.imports ?? []) {
      const target = fileOf(specifier, file)
      if (target !== undefined) await this.reach(target, found)
    }
    return found
  }

  /** Reads a module and, behind it, all that it imports by a relative name. */
  #read(file: string): Promise<ModuleSource | undefined> {
    const known = this.#modules.get(file)
    if (known) return known
    const reading = this.#load(file)
    this.#modules.set(file, reading)
    return reading
  }

  async #load(file: string): Promise<ModuleSource | undefined> {
    if (!existsSync(file) || !/\.[cm]?[jt]s$/.test(file)) return undefined
    const source = await readModule(file)
    if ('fault' in source) {
      this.findings.push({ code: 'module-syntax', ...source.fault })
      return undefined
    }
    for (const { specifier, place } of source.imports) {
      const target = fileOf(specifier, file)
      if (target === undefined) continue
      if (existsSync(target)) this.#pending.push(this.#read(target))
      else this.findings.push({ code: 'missing-import', message: `there is no module "${specifier}"${extensionHint(target)}`, place })
    }
    return source
  }

  readonly #pending: Promise<unknown>[] = []

  /** Settles when all modules that are reached have been read. */
  async settled(): Promise<void> {
    while (this.#pending.length > 0) await Promise.all(this.#pending.splice(0))
  }
}

/** The file that a relative specifier means; `undefined` for packages, which Node finds in its own way. */
function fileOf(specifier: string, from: string): string | undefined {
  if (!/^\.{0,2}\//.test(specifier)) return undefined
  return fileURLToPath(new URL(specifier, pathToFileURL(resolve(dirname(from), '_'))))
}

/** Node takes no specifier without an extension, and no `.js` for a `.ts`. */
function extensionHint(target: string): string {
  const stem = target.replace(/\.[cm]?js$/, '')
  const found = ['.ts', '.js', '.mts', '.mjs', '/index.ts', '/index.js'].find((ending) => existsSync(stem + ending))
  return found === undefined ? '' : `; Node wants its whole name, which ends in "${found}"`
}
