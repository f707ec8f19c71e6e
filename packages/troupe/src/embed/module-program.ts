/** The entry of modules whose functions a program calls: it runs in the threads of their pool. */
import { type EntryId, entryId } from '@troupe/core'
import { loadMethod, type Program } from '@troupe/process'

/** In place of a name: loads the module, and calls its default function, if it has one. No export has this name. */
export const startName = ''

/** By module and name, so that each is looked up once. */
const programs = new Map<string, Program>()

/**
 * Calls an exported function.
 *
 * @throws what the function threw; TroupeError `NotFound` for a missing module or export; `Invalid` for an export that
 *   is no function.
 */
export async function callExport(entry: string, module: string, name: string, ...args: unknown[]): Promise<unknown> {
  if (name === startName) return startModule(module)
  const method = await loadMethod(programOf(entryId(entry), module, name))
  return method(...args)
}

async function startModule(url: string): Promise<unknown> {
  const module: unknown = await import(url)
  const exported = new Map(Object.entries(typeof module === 'object' && module !== null ? module : {}))
  const run: unknown = exported.get('default')
  if (typeof run !== 'function') return { functions: [...exported.keys()] }
  const value: unknown = await Reflect.apply(run, undefined, [])
  return { value }
}

function programOf(entry: EntryId, module: string, method: string): Program {
  const key = `${module}\0${method}`
  const known = programs.get(key)
  if (known !== undefined) return known
  const program = { entry, module, method }
  programs.set(key, program)
  return program
}
