/** Fields given on the command line: `-o ns:name:field=value`. */
import { type EntryId, invalid, isEntryId } from '@troupe/core'
import { type Entry, entryFromNode, nodeOf } from '../entries/entry.ts'
import { formatPath, type Path, parsePath } from '../yaml/source-position.ts'
import { emptyMapping, type YamlMapping, type YamlNode, withNodeAt } from '../yaml/node.ts'
import { parseYaml, parseYamlValue } from '../yaml/parse.ts'

/** One field of one entry, and its value as YAML text. */
export interface Override {
  readonly id: EntryId
  /** `port`, `meta.options.network`. */
  readonly path: string
  readonly value: string
}

/**
 * Parses `ns:name:field=value`.
 *
 * @throws TroupeError `Invalid` when the text has another form. The message omits the value, because it may be a
 *   secret.
 */
export function parseOverride(text: string): Override {
  const [, id = '', path = '', value = ''] = /^([^:=]+:[^:=]+):((?:[^:="]|"[^"]*")+)=([^]*)$/.exec(text) ?? []
  if (isEntryId(id) && path !== '') return { id, path, value }
  throw invalid(`"${text.split('=', 1)[0]}" is not a field of an entry: expected "namespace:name:field=value"`)
}

/**
 * Returns `entry` with `value`, read as YAML, at `path`.
 *
 * @throws TroupeError `Invalid` when the value is not YAML, or the path leads through a scalar.
 */
export function overridden(entry: Entry, path: string, value: string): Entry {
  const name = `-o ${entry.id}:${path}`
  const steps = parsePath(path)
  const place = { file: name, line: 1, column: 1 }
  if (steps[0] === 'name' || steps[0] === 'kind' || steps[0] === 'namespace')
    throw invalid(`${name}: ${steps[0]} cannot be overridden`)
  const replacement = parseYamlValue(value, place)
  if ('code' in replacement) throw invalid(`${name}: ${replacement.message}`)
  const changed = replaced(nodeOf(entry) ?? nodeFromValue(entry, name), steps, replacement)
  if (!changed) throw invalid(`${name}: ${formatPath(steps)} leads through a value that has no such part`)
  return entryFromNode(entry.id, entry.kind, changed, entry.source)
}

function replaced(node: YamlMapping, path: Path, replacement: YamlNode): YamlMapping | undefined {
  const changed = withNodeAt(node, path, replacement)
  return changed?.type === 'mapping' ? changed : undefined
}

/** An entry that code made, as a tree: every JSON text is YAML. */
function nodeFromValue(entry: Entry, name: string): YamlMapping {
  const { documents } = parseYaml(JSON.stringify({ ...entry.fields, meta: entry.meta }), name)
  const [node] = documents
  return node?.type === 'mapping' ? node : emptyMapping({ file: name, line: 1, column: 1 })
}
