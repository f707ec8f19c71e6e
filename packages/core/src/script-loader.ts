/**
 * Loads the scripts of a bundle, with the code that V8 compiled for an earlier program. Node's compile cache contains
 * only what is compiled when a module is loaded: almost no function. A script's own cache contains all functions that
 * the earlier program called. It is read in sealed threads too, which may not write, and so cannot use Node's.
 *
 * Only bundles use this module. `scripts/script-chunks.ts` makes the scripts.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createRequire, getCompileCacheDir } from 'node:module'
import { dirname, join } from 'node:path'
import { cachedDataVersionTag } from 'node:v8'
import { Script } from 'node:vm'
import { isMainThread, threadId, workerData } from 'node:worker_threads'

/** The exports of a script. */
type Exports = Readonly<Record<string, unknown>>

/** What a module that is no script uses. */
export interface ScriptLoader {
  /** Returns the exports of a script. It runs when it is first loaded. */
  readonly load: (id: string) => Exports
  /** The same for `import()`, which may also name a module. */
  readonly importLater: (id: string) => Promise<unknown>
}

/** A script that was compiled without code from a cache. */
interface Unsaved {
  readonly script: Script
  readonly file: string
  readonly tag: number
}

/** With less, compiling takes no longer than reading a file. */
const leastLength = 4096
/** Bytes of the sum at the end of a file. */
const sumLength = 4

const folder = import.meta.dirname
// Code of the application may replace it later.
const builtin: (id: string) => unknown = process.getBuiltinModule.bind(process)
const require = createRequire(import.meta.url)
const loaded = new Map<string, Exports>()
let unsaved: Unsaved[] = []
let role = ''

/**
 * Returns what loads scripts.
 *
 * @param entry - The module that asks. Programs that begin with different ones call different functions.
 */
export function scriptLoader(entry: string): ScriptLoader {
  if (role === '') role = process.argv.includes('run') ? `${entry}-run` : entry
  return { load, importLater }
}

function load(id: string): Exports {
  const known = loaded.get(id)
  if (known !== undefined) return known
  const exports: Exports = {}
  loaded.set(id, exports)
  const name = id.slice(1)
  const file = join(folder, name)
  const run: unknown = compiled(name, file).runInThisContext()
  if (typeof run !== 'function') throw new Error(`${file} is no script of a bundle`)
  const meta = { url: new URL(`./${name}`, import.meta.url).href, filename: file, dirname: folder, saveCompiledCode }
  Reflect.apply(run, undefined, [exports, requireFrom, meta, importLater])
  return exports
}

/** What scripts import: other scripts, and modules of Node. */
function requireFrom(id: string): unknown {
  if (isScript(id)) return load(id)
  return id.startsWith('node:') ? builtin(id) : require(id)
}

async function importLater(id: string): Promise<unknown> {
  return isScript(id) ? load(id) : import(id)
}

/** The id of a script is the name of its file, after this. */
function isScript(id: string): boolean {
  return id.startsWith('#')
}

function compiled(name: string, filename: string): Script {
  // Bundles contain ASCII only.
  const source = readFileSync(filename, 'latin1')
  const cache = source.length < leastLength ? undefined : cacheFolder()
  if (cache === undefined) return new Script(source, { filename })
  const tag = cachedDataVersionTag()
  const { mtimeMs, size } = statSync(filename)
  const file = join(cache, String(tag), `${role}-${name.slice(0, -3)}-${Math.trunc(mtimeMs)}-${size}`)
  const cachedData = read(file)
  const script = new Script(source, { filename, ...(cachedData && { cachedData }) })
  if (cachedData === undefined || script.cachedDataRejected === true) {
    // Threads save theirs when they have warmed up: most are terminated, and have no exit.
    if (isMainThread && unsaved.length === 0) process.once('exit', saveCompiledCode)
    unsaved.push({ script, file, tag })
  }
  return script
}

/** The folder is private, or one that the user chose. */
function cacheFolder(): string | undefined {
  if (process.env['NODE_V8_COVERAGE'] !== undefined) return undefined
  const own = getCompileCacheDir()
  const base = own === undefined ? givenFolder() : dirname(own)
  return base === undefined ? undefined : join(base, 'troupe')
}

/** Sealed threads, which cannot enable Node's cache, get the folder with their data. */
function givenFolder(): string | undefined {
  const data: unknown = workerData
  const given = typeof data === 'object' && data !== null && 'codeFolder' in data ? data.codeFolder : undefined
  return typeof given === 'string' ? given : undefined
}

/** V8 does not notice damage within compiled code, and would crash. */
function read(file: string): Buffer | undefined {
  try {
    const whole = readFileSync(file)
    const data = whole.subarray(0, -sumLength)
    return whole.readUInt32LE(data.length) === sumOf(data) ? data : undefined
  } catch {
    return undefined
  }
}

/** A sum of one word in each 64 bytes: what a disk loses is larger. */
function sumOf(data: Buffer): number {
  let sum = data.length
  let sums = 0
  for (let at = 0; at + 4 <= data.length; at += 64) {
    sum = (sum + data.readUInt32LE(at)) | 0
    sums = (sums + sum) | 0
  }
  return (sum ^ sums) >>> 0
}

/** Saves the code of all functions that were called so far, for later programs, if this is possible. */
function saveCompiledCode(): void {
  const all = unsaved
  unsaved = []
  process.off('exit', saveCompiledCode)
  const tag = cachedDataVersionTag()
  for (const { script, file, tag: before } of all) {
    // V8 would reject the code of other flags.
    if (tag !== before) continue
    try {
      write(file, script.createCachedData())
    } catch {
      return
    }
  }
}

/** The file is complete on the disk before it has its name. */
function write(file: string, data: Buffer): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const draft = `${file}.${process.pid}-${threadId}`
  try {
    const sum = Buffer.alloc(sumLength)
    sum.writeUInt32LE(sumOf(data))
    writeFileSync(draft, Buffer.concat([data, sum]), { mode: 0o600, flush: true })
    renameSync(draft, file)
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  }
}
