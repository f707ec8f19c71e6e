/** The modules of an application, followed from those that entries name. Each is read once. */
import { existsSync, statSync } from 'node:fs'
import { createRequire, isBuiltin } from 'node:module'
import { dirname, extname, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { didYouMean, readUtf8 } from '@troupe/registry'
import type { CheckDiagnostic } from './diagnostic.ts'
import { type ModuleSource, type NamedEntry, readModule, type SourceImport } from './module-source.ts'
import { packageFile } from './package-type.ts'

const readable = /\.[cm]?[jt]s$/
/** Extensions that Node imports beside those of modules; it rejects others. */
const others: ReadonlySet<string> = new Set(['', '.json', '.node', '.wasm'])

export class ModuleGraph {
  /** The problems of the modules that were read. */
  readonly findings: CheckDiagnostic[] = []
  readonly #modules = new Map<string, Promise<ModuleSource | undefined>>()
  readonly #pending: Promise<unknown>[] = []

  /**
   * Returns the names that the module at `file` exports; `undefined` when they are unknown: its syntax is wrong, it is
   * CommonJS, or it re-exports everything of a CommonJS package.
   */
  async exportsOf(file: string, above: ReadonlySet<string> = new Set()): Promise<ReadonlySet<string> | undefined> {
    if (file.endsWith('.json')) return new Set(['default'])
    const source = await this.#read(file)
    if (!source?.exports) return undefined
    const names = new Set(source.exports)
    const seen = new Set([...above, file])
    for (const { specifier } of source.imports.filter(({ star }) => star)) {
      const target = fileOf(specifier, file) ?? packageFile(specifier, file)
      if (target !== undefined && seen.has(target)) continue
      const handedOn = target === undefined ? undefined : await this.exportsOf(target, seen)
      if (!handedOn) return undefined
      for (const name of handedOn) if (name !== 'default') names.add(name)
    }
    return names
  }

  /** Whether the module at `file` exports a type with that name, itself or of a module that it re-exports. */
  async exportsType(file: string, name: string): Promise<boolean> {
    const source = await this.#read(file)
    return source?.types.has(name) === true || (await this.#isTypeIn(file, name))
  }

  /** A module that was read, and all files that it imports by relative names. */
  async reach(file: string, found: Set<string> = new Set()): Promise<ReadonlySet<string>> {
    if (found.has(file)) return found
    found.add(file)
    const source = await this.#modules.get(file)
    for (const wanted of source?.imports ?? []) {
      const target = targetOf(wanted, file)
      if (target !== undefined) await this.reach(target, found)
    }
    return found
  }

  /** Settles when all reachable modules have been read. */
  async settled(): Promise<void> {
    while (this.#pending.length > 0) await Promise.all(this.#pending.splice(0))
  }

  /** The entries that calls name in the modules that were read, except those that some module may create. */
  async entriesNamed(): Promise<readonly NamedEntry[]> {
    const sources = (await Promise.all(this.#modules.values())).filter((source) => source !== undefined)
    const created = new Set(sources.flatMap(({ ids }) => ids))
    return sources.flatMap(({ entries }) => entries).filter(({ id }) => !created.has(id))
  }

  /** Reads a module, and all modules that it imports by relative names. */
  #read(file: string): Promise<ModuleSource | undefined> {
    const known = this.#modules.get(file)
    if (known) return known
    const reading = this.#load(file)
    this.#modules.set(file, reading)
    return reading
  }

  async #load(file: string): Promise<ModuleSource | undefined> {
    if (!existsSync(file) || !readable.test(file)) return undefined
    const source = await readModule(file)
    // Problems inside a package are not the application's to fix.
    const isOwn = !file.includes('/node_modules/')
    if ('fault' in source) {
      if (isOwn) this.findings.push({ code: 'module-syntax', ...source.fault })
      return undefined
    }
    if (isOwn) for (const wanted of source.imports) this.#pending.push(this.#follow(wanted, file))
    return isOwn ? source : { ...source, entries: [], ids: [] }
  }

  async #follow(wanted: SourceImport, from: string): Promise<void> {
    const { specifier, place } = wanted
    const target = targetOf(wanted, from)
    if (target === undefined) {
      await this.#followPackage(wanted, from)
      return
    }
    const wrong = existsSync(target)
      ? notLoadable(wanted, target)
      : `there is no module "${specifier}"${extensionHint(target)}`
    if (wrong !== undefined) this.findings.push({ code: 'missing-import', message: wrong, place })
    else if (target.endsWith('.json')) await this.#readJson(target)
    else await this.#read(target)
    if (wrong === undefined) await this.#checkNames(wanted, target)
  }

  async #followPackage(wanted: SourceImport, from: string): Promise<void> {
    const { specifier, place } = wanted
    if (isBuiltin(specifier) || /^(?:data|file|https?|node):|^#|^\$\{/.test(specifier)) return
    if (isMissing(specifier, from)) {
      const message = `there is no package "${specifier}": install it, or begin a file's name with "./"`
      this.findings.push({ code: 'missing-import', message, place })
      return
    }
    const file = wanted.names.length === 0 ? undefined : packageFile(specifier, from)
    if (file !== undefined) await this.#checkNames(wanted, file)
  }

  /** Imports of missing names, which fail when Node links the module. */
  async #checkNames({ specifier, names }: SourceImport, target: string): Promise<void> {
    if (names.length === 0) return
    const exported = await this.exportsOf(target)
    if (exported === undefined) return
    const types = (await this.#modules.get(target))?.types
    for (const { name, place } of names) {
      if (exported.has(name)) continue
      const isType = types?.has(name) === true || (await this.#isTypeIn(target, name))
      const hint = isType ? `: it is a type; import it with "type ${name}"` : didYouMean(name, exported)
      this.findings.push({ code: 'missing-export', message: `"${specifier}" exports no "${name}"${hint}`, place })
    }
  }

  /** Whether a module that `file` re-exports has a type with that name; only a hint. */
  async #isTypeIn(file: string, name: string): Promise<boolean> {
    for (const { specifier, star } of (await this.#modules.get(file))?.imports ?? []) {
      const target = star ? fileOf(specifier, file) : undefined
      if (target !== undefined && (await this.#modules.get(target))?.types.has(name) === true) return true
    }
    return false
  }

  async #readJson(file: string): Promise<void> {
    if (this.#modules.has(file)) return
    this.#modules.set(file, Promise.resolve(undefined))
    const { text, fault } = await readUtf8(file)
    if (fault !== undefined) this.findings.push({ code: 'module-syntax', ...fault })
    else if (!isJson(text))
      this.findings.push({ code: 'module-syntax', message: 'this is not JSON', place: { file, line: 1, column: 1 } })
  }
}

/** The file that a relative specifier means; `undefined` for packages, which Node resolves in its own way. */
function fileOf(specifier: string, from: string): string | undefined {
  if (!/^\.{0,2}\/|^\.{1,2}$/.test(specifier)) return undefined
  return fileURLToPath(new URL(specifier, pathToFileURL(resolve(dirname(from), '_'))))
}

/** Like {@link fileOf}; `require` adds endings. */
function targetOf({ specifier, isRequire }: SourceImport, from: string): string | undefined {
  const file = fileOf(specifier, from)
  if (file === undefined || !isRequire) return file
  try {
    return createRequire(from).resolve(specifier)
  } catch {
    return file
  }
}

/** Why an existing file is not a module that an entry can run. */
export function notAModule(file: string): string | undefined {
  if (statSync(file).isDirectory()) return `${file} is a folder: name a module in it`
  const ending = extname(file)
  return readable.test(file) || ending === '' || ending === '.wasm' ? undefined : `Node runs no "${ending}" files`
}

/** Why Node does not load an existing file. */
function notLoadable({ specifier, type, isRequire }: SourceImport, target: string): string | undefined {
  if (statSync(target).isDirectory())
    return `"${specifier}" is a folder: Node wants the name of a file${extensionHint(target)}`
  const ending = extname(target)
  if (ending === '.json' && !isRequire && type !== 'json')
    return `add \`with { type: 'json' }\`: Node does not import JSON without it`
  if (readable.test(target) || others.has(ending) || isRequire) return undefined
  return `Node does not import "${ending}" files: "${specifier}"`
}

function isMissing(specifier: string, from: string): boolean {
  try {
    createRequire(from).resolve(specifier)
    return false
  } catch (error) {
    const isNotFound = error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND'
    return isNotFound && packageFile(specifier, from) === undefined
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text.replace(/^\uFEFF/, ''))
    return true
  } catch {
    return false
  }
}

/** Node accepts no specifier without an extension, and no `.js` for a `.ts` file. */
function extensionHint(target: string): string {
  const stem = target.replace(/\.[cm]?js$/, '')
  const found = ['.ts', '.js', '.mts', '.mjs', '/index.ts', '/index.js'].find((ending) => existsSync(stem + ending))
  return found === undefined ? '' : `; Node wants its whole name, which ends in "${found}"`
}
