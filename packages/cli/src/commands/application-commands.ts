/** The commands of an application: processes that have a `meta.command`. */
import { join } from 'node:path'
import { type EntryId, isEntryId } from '@troupe/core'
import { didYouMean, type Entry, type Registry } from '@troupe/registry'
import type { Runnable } from '../invocation.ts'
import { UsageError } from '../usage-error.ts'

/** Entries by the name of their command; several entries for a name that is used twice. */
export function commandsOf(registry: Registry): ReadonlyMap<string, readonly Entry[]> {
  const named = registry.find().flatMap((entry) => {
    const { command } = entry.meta
    const name = typeof command === 'object' && command !== null && 'name' in command ? command.name : undefined
    return typeof name === 'string' ? [{ name, entry }] : []
  })
  return new Map(
    Map.groupBy(named, ({ name }) => name)
      .entries()
      .map(([name, all]) => [name, all.map(({ entry }) => entry)]),
  )
}

/**
 * Returns the process of the command.
 *
 * @throws UsageError that lists the existing commands when there is none with that name.
 */
export function findProgram(registry: Registry, program: Runnable): EntryId {
  const entry = 'entry' in program ? findEntry(registry, program.entry) : findCommand(registry, program.command)
  if (entry.kind !== 'process.ts') throw new UsageError(`${entry.id} is a ${entry.kind}: only a process.ts can be run`)
  return entry.id
}

/** What to do about an application without entries. */
export function nothingIn(root: string): string {
  return `${join(root, 'src')} contains no entries: "troupe init" writes an application, --root names the folder of one`
}

function findEntry(registry: Registry, id: string): Entry {
  if (!isEntryId(id)) throw new UsageError(`"${id}" is not the id of an entry: expected "namespace:name"`)
  if (registry.has(id)) return registry.get(id)
  const processes = registry.find({ kind: 'process.ts' }).map((entry) => entry.id)
  throw new UsageError(`there is no entry ${id}${didYouMean(id, processes)}`)
}

function findCommand(registry: Registry, name: string): Entry {
  const commands = commandsOf(registry)
  const [entry, other] = commands.get(name) ?? []
  if (entry && !other) return entry
  if (entry && other)
    throw new UsageError(`"${name}" is the command of ${entry.id} and of ${other.id}; choose with --exec`)
  const all = [...commands.keys()].toSorted()
  const hint =
    didYouMean(name, all) ||
    `; ${all.length === 0 ? 'the application has no commands' : `there are: ${all.join(', ')}`}`
  throw new UsageError(`the application has no command "${name}"${hint}`)
}
