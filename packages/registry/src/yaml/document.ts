/**
 * Reads a YAML document as entries: `{ version?, namespace, entries: [{ name, kind, … }] }`, or one
 * `{ namespace, name, kind, … }`.
 */
import { isName } from '@troupe/core'
import { type Entry, entryFromNode, resolveId } from '../entries/entry.ts'
import type { SourcePosition } from './source-position.ts'
import type { Diagnostic } from '../schema/diagnostic.ts'
import { didYouMean, suggest } from '../schema/suggest.ts'
import { keyPositionAt, type YamlMapping, type YamlNode } from './node.ts'

export interface EntriesOfDocument {
  readonly entries: readonly Entry[]
  readonly problems: readonly Diagnostic[]
}

const listKeys = ['version', 'namespace', 'meta', 'entries']

/** Returns the entries of a document. A document of another form has no entries and no problems. */
export function entriesOf(document: YamlNode): EntriesOfDocument {
  const problems: Diagnostic[] = []
  if (document.type === 'sequence' && document.items.some(isLikeEntry))
    report(
      problems,
      'expected a mapping with "namespace" and "entries", not a list: put the list under "entries:"',
      document.place,
    )
  if (document.type !== 'mapping') return { entries: [], problems }
  const { pairs } = document
  const many = pairs.has('entries')
  if (!(many || pairs.has('namespace') || (pairs.has('name') && pairs.has('kind')))) return { entries: [], problems }
  const namespace = nameAt(document, 'namespace', problems)
  const version = pairs.get('version')?.node
  if (version && !isVersion(version)) report(problems, 'version: expected text such as "1.0"', version.place)
  if (!(many || pairs.has('name') || pairs.has('kind'))) {
    const near = suggest('entries', pairs.keys())
    const place = near === undefined ? document.place : keyPositionAt(document, [near])
    report(problems, `expected "entries", or "name" and "kind"${near === undefined ? '' : `, not "${near}"`}`, place)
    return { entries: [], problems }
  }
  if (!many) {
    const entry = entryOf(document, namespace, problems)
    return { entries: entry ? [entry] : [], problems }
  }
  for (const [key, pair] of pairs) {
    if (!listKeys.includes(key))
      report(problems, `${key}: there is no such field${didYouMean(key, listKeys)}`, pair.key)
  }
  return { entries: listed(document, namespace, problems), problems }
}

function listed(document: YamlMapping, namespace: string | undefined, problems: Diagnostic[]): readonly Entry[] {
  const list = document.pairs.get('entries')
  if (list?.node.type !== 'sequence') {
    const empty = list?.node.type === 'scalar' && list.node.value === null
    if (list && !empty) report(problems, 'entries: expected a list of entries', list.node.place)
    return []
  }
  return list.node.items.flatMap((item) => {
    if (item.type !== 'mapping') report(problems, 'expected an entry: a mapping with "name" and "kind"', item.place)
    const entry = item.type === 'mapping' ? entryOf(item, namespace, problems) : undefined
    return entry ? [entry] : []
  })
}

function entryOf(node: YamlMapping, namespace: string | undefined, problems: Diagnostic[]): Entry | undefined {
  const name = nameAt(node, 'name', problems)
  const kind = nameAt(node, 'kind', problems)
  const meta = node.pairs.get('meta')?.node
  if (meta && meta.type !== 'mapping' && !(meta.type === 'scalar' && meta.value === null))
    report(problems, `${name ?? 'entry'}: meta: expected a mapping`, meta.place)
  const id = name === undefined ? undefined : resolveId(name, namespace)
  return id === undefined || kind === undefined ? undefined : entryFromNode(id, kind, node)
}

/** The string under `key`: a namespace, a name or a kind. */
function nameAt(node: YamlMapping, key: 'namespace' | 'name' | 'kind', problems: Diagnostic[]): string | undefined {
  const found = node.pairs.get(key)
  if (!found) {
    const near = suggest(key, node.pairs.keys())
    report(
      problems,
      `${key}: is required${near === undefined ? '' : `, not "${near}"`}`,
      near === undefined ? node.place : keyPositionAt(node, [near]),
    )
    return undefined
  }
  const value = found.node.type === 'scalar' ? found.node.value : undefined
  if (typeof value === 'string' && isName(value)) return value
  report(
    problems,
    `${key}: expected a word of letters, digits, ".", "-" and "_" that begins with a letter or "_"`,
    found.node.place,
  )
  return undefined
}

function isLikeEntry(node: YamlNode): boolean {
  return node.type === 'mapping' && (node.pairs.has('kind') || node.pairs.has('name') || node.pairs.has('entries'))
}

function isVersion(node: YamlNode): boolean {
  return node.type === 'scalar' && (typeof node.value === 'string' || typeof node.value === 'number')
}

function report(problems: Diagnostic[], message: string, place: SourcePosition): void {
  problems.push({ code: 'document', message, place })
}
