/**
 * The modules that each operating-system process loads, in one piece. Node looks up each module in several folders,
 * asks its permission model about each, and reads it. For the 200 modules of the runtime, this takes longer than
 * everything else that such a process does before it is ready. The kernel reads them once, for all processes.
 */
import { readFile } from 'node:fs/promises'
import { createRequire, findPackageJSON, stripTypeScriptTypes } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { encodePack, type PackedModule } from '../../pipe/packed-module.ts'

/** Imports from other modules. What this finds in error is never asked for; what it misses, Node finds by itself. */
const imported = /^(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]|^import\s*['"]([^'"]+)['"]/gm
const ownPackages = /^(?:@troupe\/.+|troupe)$/

const packs = new Map<string, Promise<Uint8Array>>()

/**
 * Returns Troupe's modules among `roots`, and all modules of Troupe that they import. They are read once for the
 * program's life.
 *
 * @param roots - URLs of modules.
 */
export async function packModules(roots: readonly string[]): Promise<Uint8Array> {
  const key = roots.join(' ')
  const pack = packs.get(key) ?? packAll(roots)
  packs.set(key, pack)
  return pack
}

async function packAll(roots: readonly string[]): Promise<Uint8Array> {
  const modules = new Map<string, Promise<PackedModule | undefined>>()
  const add = (url: string): void => {
    if (!modules.has(url)) modules.set(url, readModule(url, add))
  }
  for (const root of roots) if (await isOwn(root)) add(root)
  const read: PackedModule[] = []
  // The map grows while modules are read.
  for (const module of modules.values()) {
    const found = await module
    if (found !== undefined) read.push(found)
  }
  return encodePack(read)
}

/** A module that does not exist is not ours either: the process that needs it reports that. */
async function isOwn(url: string): Promise<boolean> {
  try {
    const file = url.startsWith('file:') ? findPackageJSON(url) : undefined
    const about: unknown = file === undefined ? undefined : JSON.parse(await readFile(file, 'utf8'))
    const name = typeof about === 'object' && about !== null && 'name' in about ? about.name : undefined
    return typeof name === 'string' && ownPackages.test(name)
  } catch {
    return false
  }
}

/** Returns nothing for a module that cannot be read: the process that needs it reports that. */
async function readModule(url: string, onImport: (url: string) => void): Promise<PackedModule | undefined> {
  try {
    const text = await readFile(fileURLToPath(url), 'utf8')
    const source = url.endsWith('.ts') ? stripTypes(text) : text
    const specifiers = source.matchAll(imported).map(([, from, alone]) => from ?? alone ?? '')
    const imports = [...specifiers].flatMap((specifier) => {
      const to = resolve(specifier, url)
      return to === undefined ? [] : [[specifier, to] as const]
    })
    for (const [, to] of imports) onImport(to)
    return { url, source, imports: Object.fromEntries(imports) }
  } catch {
    return undefined
  }
}

/** Built packages are JavaScript: Troupe's own tests run its sources. Node warns that this function may change. */
function stripTypes(text: string): string {
  const emitWarning: unknown = Reflect.get(process, 'emitWarning')
  process.emitWarning = () => undefined
  try {
    return stripTypeScriptTypes(text)
  } finally {
    Reflect.set(process, 'emitWarning', emitWarning)
  }
}

/** Resolves relative specifiers, and names of Troupe's packages. */
function resolve(specifier: string, parent: string): string | undefined {
  if (specifier.startsWith('.')) return new URL(specifier, parent).href
  const [scope = '', name = ''] = specifier.split('/')
  if (!ownPackages.test(scope.startsWith('@') ? `${scope}/${name}` : scope)) return undefined
  return pathToFileURL(createRequire(parent).resolve(specifier)).href
}
